"""Trees: what sums their leaves for each row."""

from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import NDArray


def sum_leaves(value: NDArray[Any], leaves: NDArray[Any]) -> NDArray[Any]:
    """Return the sums for each row, tree by tree: another order may change the last bit.

    Args:
        value: What a leaf adds, a sum a column.
        leaves: The leaf of each row, a tree a column.
    """
    values = value.take(leaves.T, axis=0)
    # numpy sums many numbers in pairs if they lie one after the other.
    return np.add.reduce(values) if values[0].size > 1 else values.cumsum(axis=0)[-1]


class TreeMasks:
    """The sums of trees, by bits: all trees are walked at once.

    The thresholds of a column divide its values into intervals. A row of `masks` has a bit for
    each leaf of each tree that a value of the interval may reach. Columns of few intervals are in
    a group, which has a row for each combination. What the rows of all groups have in common is
    one leaf of each tree.
    """

    few = 8  # rows for which a loop is faster than numpy

    def __init__(
        self,
        masks: NDArray[Any],
        first_leaf: NDArray[Any],
        value: NDArray[Any],
        feature: NDArray[Any],
        threshold: NDArray[Any],
        starts: list[int],
        groups: list[int],
        strides: list[int],
    ) -> None:
        self.masks, self.value = masks, value
        self.before = first_leaf - 1  # the first leaf of each word of bits
        self.feature, self.threshold = feature, threshold
        self.starts = starts  # the first row of each group
        numbers = np.unique(feature).tolist()
        self.cuts = [threshold[feature == number] for number in numbers]
        self.lists = [cuts.tolist() for cuts in self.cuts]
        self.columns = [*zip(numbers, groups, strides, strict=True)]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums for each row."""
        words = self.reached(x)
        places = (words.ravel() != 0).nonzero()[0]  # a word for each tree of each row
        leaves = (self.before + np.frexp(words)[1]).ravel().take(places)  # the exponent of its bit
        return sum_leaves(self.value, leaves.reshape(len(x), -1))

    def reached(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the bits of the leaves that each row reaches."""
        if len(x) <= self.few:
            masks = self.masks.take([self.places(row) for row in x.tolist()], axis=0)
            return np.bitwise_and.reduce(masks, axis=1)
        places = np.repeat(np.array(self.starts)[:, None], len(x), axis=1)
        for (number, group, stride), cuts in zip(self.columns, self.cuts, strict=True):
            places[group] += stride * cuts.searchsorted(x[:, number])  # sorts NaN last
        words = self.masks[places[0]]
        for each in places[1:]:
            words &= self.masks[each]
        return words

    def places(self, row: list[float]) -> list[int]:
        """Return the row of `masks` for each group."""
        places = self.starts.copy()
        for (number, group, stride), cuts in zip(self.columns, self.lists, strict=True):
            value = row[number]
            places[group] += stride * (bisect_left(cuts, value) if value == value else len(cuts))
        return places


class TreeWalk:
    """The sums of trees, level by level: all trees are walked at once.

    Both children of a leaf are the leaf itself.
    """

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

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums for each row."""
        nan_left = self.nan_left if np.isnan(x).any() else None
        cells, first = x.ravel(), np.arange(len(x))[:, None] * x.shape[1]
        node = np.repeat(self.roots[None, :], len(x), axis=0)
        for _ in range(self.depth):
            cell = cells.take(self.feature.take(node) + first)
            right = cell > self.threshold.take(node)
            if nan_left is not None:
                right |= np.isnan(cell) & ~nan_left.take(node)
            node = self.children.take(2 * node + right)
        return sum_leaves(self.value, node)
