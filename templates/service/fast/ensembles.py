"""Ensembles of trees: what the sums of their leaves mean in each library."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import decide, require_finite, sigmoid, softmax


def narrow(x: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in 32 bits, as 64."""
    with np.errstate(over="ignore"):
        return x.astype(np.float32).astype(np.float64)


def without_tiny(x: NDArray[Any]) -> NDArray[Any]:
    """Return the rows as LightGBM reads them: integers in 32 bits, a number next to 0 as 0."""
    x = x.astype(np.float64) if x.dtype.kind == "f" else narrow(x)
    x[np.abs(x) <= np.float64(np.float32(1e-35))] = 0.0
    return x


class Ensemble:
    """Trees: `trees` returns the sums of their leaves for rows."""

    def __init__(self, trees: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self.trees = trees

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in the precision in which the model compares them."""
        return x.astype(np.float64)

    def sums(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums of the leaves for each row, an output a column."""
        return self.trees(self.rounded(x))


class SumRegressor(Ensemble):
    """The sum of the trees, or its power."""

    def __init__(self, trees: Callable[[NDArray[Any]], NDArray[Any]], link: str = "") -> None:
        super().__init__(trees)
        self.link = link

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the prediction for each row."""
        sums = self.sums(x).ravel()
        return np.exp(sums) if self.link == "exp" else sigmoid(sums) if self.link else sums


class SumClassifier(Ensemble):
    """The sum of the trees for each class, or for the second of two."""

    def __init__(
        self, trees: Callable[[NDArray[Any]], NDArray[Any]], classes: NDArray[Any]
    ) -> None:
        super().__init__(trees)
        self.classes = classes

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
        return softmax(sums)


class ProbabilityClassifier(SumClassifier):
    """Sums that decide by their probabilities: where both are 0.5, the first class is returned."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return self.classes[self.predict_proba(x).argmax(axis=1)]


class Forest(Ensemble):
    """The mean of the trees, which compare in 32 bits and sum in 64."""

    def __init__(
        self, trees: Callable[[NDArray[Any]], NDArray[Any]], count: int, takes_nan: bool
    ) -> None:
        super().__init__(trees)
        self.count, self.takes_nan = count, takes_nan

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return require_finite(narrow(x), nan=self.takes_nan)

    def mean(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, an output a column."""
        return self.sums(x) / self.count


class ForestRegressor(Forest):
    """The mean of the trees."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, a column for each of several outputs."""
        mean = self.mean(x)
        return mean.ravel() if mean.shape[1] == 1 else mean


class ForestClassifier(Forest):
    """The mean of the trees' probabilities."""

    def __init__(
        self, trees: Callable[[NDArray[Any]], NDArray[Any]], classes: NDArray[Any], **forest: Any
    ) -> None:
        super().__init__(trees, **forest)
        self.classes = classes

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        return self.mean(x)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return self.classes[self.predict_proba(x).argmax(axis=1)]


class BoostedRegressor(SumRegressor):
    """The sum of trees that compare in 32 bits and sum in 64."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return require_finite(narrow(x))


class BoostedClassifier(SumClassifier):
    """The sums of trees that compare in 32 bits and sum in 64."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return require_finite(narrow(x))

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row; of two the second for the sum 0."""
        sums = self.decision_function(x)
        return self.classes[(sums >= 0).astype(np.intp) if sums.ndim == 1 else sums.argmax(axis=1)]


class LightGBMRegressor(SumRegressor):
    """The sum of the trees of LightGBM, or its power."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows as LightGBM reads them."""
        return without_tiny(x)


class LightGBMClassifier(ProbabilityClassifier):
    """The sums of the trees of LightGBM."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows as LightGBM reads them."""
        return without_tiny(x)


class XGBoostRegressor(SumRegressor):
    """The sum of the trees of XGBoost, which compares and sums in 32 bits."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits."""
        return x.astype(np.float32)


class XGBoostClassifier(ProbabilityClassifier):
    """The sums of the trees of XGBoost, which compares and sums in 32 bits."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits."""
        return x.astype(np.float32)


class XGBoostBooster(XGBoostRegressor):
    """What a Booster of XGBoost returns: the sums of the trees, or probabilities."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, of which XGBoost refuses infinite ones."""
        with np.errstate(over="ignore"):
            return require_finite(x.astype(np.float32), nan=True)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the prediction for each row."""
        return softmax(self.sums(x)) if self.link == "softmax" else super().predict(x)


class CatBoostRegressor(SumRegressor):
    """The sum of the trees of CatBoost, which compare in 32 bits and sum in 64, or its power."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return narrow(x)


class CatBoostClassifier(SumClassifier):
    """The sums of the trees of CatBoost, which compare in 32 bits and sum in 64."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return narrow(x)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row, of more than two in a column."""
        classes = super().predict(x)
        return classes if len(self.classes) == 2 else classes[:, None]
