"""Trees: all of a model are walked at once, level by level."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import require_finite, sigmoid, softmax


class Trees:
    """The nodes of all trees. Both children of a leaf are the leaf itself."""

    def __init__(
        self,
        roots: NDArray[Any],
        children: NDArray[Any],
        feature: NDArray[Any],
        threshold: NDArray[Any],
        value: NDArray[Any],
        depth: int,
        nan_left: NDArray[Any] | None = None,
    ) -> None:
        self.roots, self.children, self.depth = roots, children, depth
        self.feature, self.threshold, self.value = feature, threshold, value
        self.nan_left = nan_left

    def leaves(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the value of the leaf of each row in each tree."""
        with np.errstate(over="ignore"):
            x = require_finite(x.astype(np.float32), nan=self.nan_left is not None)
        nan_left = self.nan_left if np.isnan(x).any() else None
        cells, first = x.ravel(), np.arange(len(x))[:, None] * x.shape[1]
        node = np.repeat(self.roots[None, :], len(x), axis=0)
        for _ in range(self.depth):
            cell = cells.take(self.feature.take(node) + first)
            right = cell > self.threshold.take(node)
            if nan_left is not None:
                right |= np.isnan(cell) & ~nan_left.take(node)
            node = self.children.take(2 * node + right)
        return self.value.take(node, axis=0)


class TreeRegressor(Trees):
    """The mean of the trees."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, summed tree by tree: other orders differ in the last bit."""
        return self.leaves(x)[:, :, 0].cumsum(axis=1)[:, -1] / len(self.roots)


class TreeClassifier(Trees):
    """The mean of the trees' probabilities."""

    def __init__(self, classes: NDArray[Any], **trees: Any) -> None:
        super().__init__(**trees)
        self.classes = classes

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, summed tree by tree: other orders differ in the last bit."""
        return self.leaves(x).cumsum(axis=1)[:, -1] / len(self.roots)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return self.classes[self.predict_proba(x).argmax(axis=1)]


class BoostedTrees(Trees):
    """The sum of the trees, stage by stage: a stage has a tree for each output."""

    def __init__(self, initial: NDArray[Any], **trees: Any) -> None:
        super().__init__(**trees)
        self.initial = initial

    def sums(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums for each row, an output a column."""
        outputs = len(self.initial)
        values = self.leaves(x).reshape(len(x), -1, outputs)
        first = np.broadcast_to(self.initial, (len(x), 1, outputs))
        return np.concatenate([first, values], axis=1).cumsum(axis=1)[:, -1]


class BoostedRegressor(BoostedTrees):
    """The sum of the trees."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sum for each row."""
        return self.sums(x).ravel()


class BoostedClassifier(BoostedTrees):
    """The sum of the trees for each class, or for the second of two."""

    def __init__(self, classes: NDArray[Any], **trees: Any) -> None:
        super().__init__(**trees)
        self.classes = classes

    def decision_function(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums."""
        sums = self.sums(x)
        return sums.ravel() if sums.shape[1] == 1 else sums

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row."""
        sums = self.decision_function(x)
        return self.classes[(sums >= 0).astype(np.intp) if sums.ndim == 1 else sums.argmax(axis=1)]

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        sums = self.decision_function(x)
        if sums.ndim == 1:
            second = sigmoid(sums)
            return np.stack([1 - second, second], axis=1)
        return softmax(sums)
