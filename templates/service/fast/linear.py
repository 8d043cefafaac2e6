"""Linear models."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import decide, require_finite, sigmoid, softmax


class LinearRegressor:
    """A weighted sum of the columns."""

    def __init__(self, coef: NDArray[Any], intercept: NDArray[Any]) -> None:
        self.coef, self.intercept = coef.T, intercept

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sum for each row."""
        return require_finite(x) @ self.coef + self.intercept


class LinearClassifier:
    """A weighted sum of the columns for each class, or for the second of two."""

    def __init__(
        self,
        coef: NDArray[Any],
        intercept: NDArray[Any],
        classes: NDArray[Any],
        probabilities: str | None = None,
    ) -> None:
        self.coef, self.intercept, self.classes = coef.T, intercept, classes
        self.probabilities = probabilities

    def sums(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums, a class a column."""
        return require_finite(x) @ self.coef + self.intercept

    def decision_function(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums."""
        sums = self.sums(x)
        return sums.ravel() if sums.shape[1] == 1 else sums

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row."""
        return decide(self.decision_function(x), self.classes)

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        sums = self.decision_function(x)
        if sums.ndim == 1:
            second = sigmoid(sums)
            return np.stack([1 - second, second], axis=1)
        if self.probabilities == "softmax":
            return softmax(sums)
        each = sigmoid(sums)
        each[each.sum(axis=1) == 0] = 1.0
        return each / each.sum(axis=1)[:, None]


class SparseLinearRegressor(LinearRegressor):
    """A LinearRegressor after sparse output, where scikit-learn adds column after column."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sum for each row."""
        return sparse_product(x, self.coef) + self.intercept


class SparseLinearClassifier(LinearClassifier):
    """A LinearClassifier after sparse output, where scikit-learn adds column after column."""

    def sums(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums, a class a column."""
        return sparse_product(x, self.coef) + self.intercept


def sparse_product(x: NDArray[Any], coef: NDArray[Any]) -> NDArray[Any]:
    """Return x @ coef; the products are added in the order of the columns."""
    x = require_finite(x)
    sums = np.zeros((len(x), *coef.shape[1:]), np.result_type(x, coef))
    for column in x.any(axis=0).nonzero()[0].tolist():  # the others add 0
        sums += np.multiply.outer(x[:, column], coef[column])
    return sums
