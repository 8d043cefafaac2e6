"""A price by a formula."""

from formulaic import model_matrix
from sklearn.linear_model import Ridge


class Priced:
    """A ridge on the columns of a formula."""

    def __init__(self, X, y):
        matrix = model_matrix("log(area) + C(town)", X)
        self.spec = matrix.model_spec
        self.ridge = Ridge().fit(matrix, y)

    def predict(self, X):
        """Prices."""
        return self.ridge.predict(self.spec.get_model_matrix(X))
