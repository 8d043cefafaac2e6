"""Stars that a user would give."""

import numpy as np
from surprise import SVD, Dataset, Reader


class Ratings:
    """Ratings for pairs of user and item."""

    def __init__(self, table):
        data = Dataset.load_from_df(table, Reader(rating_scale=(1, 5)))
        self.model = SVD(n_factors=3, n_epochs=5, random_state=0).fit(data.build_full_trainset())

    def predict(self, X):
        """Stars, one for each pair."""
        return np.array(
            [self.model.predict(user, item).est for user, item in zip(X.user, X.item, strict=True)]
        )
