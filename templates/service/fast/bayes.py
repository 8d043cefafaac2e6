"""Naive Bayes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import require_finite


class GaussianNB:
    """A normal distribution of each column, for each class."""

    def __init__(
        self,
        mean: NDArray[Any],
        variance: NDArray[Any],
        prior: NDArray[Any],
        classes: NDArray[Any],
    ) -> None:
        self.mean, self.variance, self.classes = mean, variance, classes
        self.log_prior = np.log(prior)
        self.log_scale = [-0.5 * np.sum(np.log(2.0 * np.pi * each)) for each in variance]

    def _joint(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the logarithm of the likelihood of each row and class."""
        require_finite(x)
        made = [
            prior + (scale - 0.5 * np.sum(((x - mean) ** 2) / variance, 1))
            for prior, scale, mean, variance in zip(
                self.log_prior, self.log_scale, self.mean, self.variance, strict=True
            )
        ]
        return np.array(made).T

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row."""
        return self.classes[self._joint(x).argmax(axis=1)]

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        joint = self._joint(x)
        greatest = joint.max(axis=1, keepdims=True)
        is_greatest = joint == greatest
        count = is_greatest.sum(axis=1, keepdims=True)
        others = np.where(is_greatest, 0.0, np.exp(joint - greatest)).sum(axis=1, keepdims=True)
        total: NDArray[Any] = np.log1p(others / count) + np.log(count) + greatest
        return np.exp(joint - total)
