"""Clusters for new points."""

import hdbscan


class Clusters:
    """Tells the cluster of each point."""

    def __init__(self, X):
        self.model = hdbscan.HDBSCAN(min_cluster_size=5, prediction_data=True).fit(X)

    def predict(self, X):
        """Labels, -1 for noise."""
        return hdbscan.approximate_predict(self.model, X)[0]
