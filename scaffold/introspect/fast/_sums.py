"""What sums the leaves of trees with numpy: bits, or a walk through the nodes where those are too many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.introspect.fast._ensemble import LEAF, Ensemble, Tree
from scaffold.introspect.fast._values import NotCompiledError, constant, fast_step
from scaffold.spec import FastStep

MOST_MASK_BYTES = 16 * 2**20
_MOST_TOGETHER = 256
"""Intervals of columns that are looked up together."""
_WIDTHS = (32, 64)
"""Bits of a word; numpy takes exponents of shorter ones by way of 16-bit floats, which is slow."""


def numpy_sums(ensemble: Ensemble) -> FastStep:
    """Return what sums the leaves.

    Raises:
        NotCompiledError: There are too many nodes, or those of sets of categories do not fit into masks.
    """
    ensemble.require_few_nodes()
    parts = [_Nodes(tree, ensemble) for tree in ensemble.trees]
    step = _masks(parts, ensemble)
    if step is None and any(tree.members for tree in parts):
        raise NotCompiledError(
            "so large an ensemble with sets of categories has a compiled form in ONNX only"
        )
    return step or _walk(parts, ensemble)


class _Nodes:
    """A tree with its leaves numbered from left to right."""

    def __init__(self, tree: Tree, ensemble: Ensemble) -> None:
        import numpy as np

        self.left, self.right = np.asarray(tree.left), np.asarray(tree.right)
        self.is_leaf = self.left == LEAF
        self.feature = np.where(self.is_leaf, 0, tree.feature).astype(np.int64)
        threshold = np.asarray(tree.threshold).astype(ensemble.dtype)
        if ensemble.strict:  # x < t is x <= the number before t
            threshold = np.nextafter(threshold, threshold.dtype.type(-np.inf))
        self.threshold = np.where(self.is_leaf, np.inf, threshold.astype(np.float64))
        self.nan_left = np.asarray(tree.nan_left).astype(bool)
        self.members = {i: each for i, each in enumerate(tree.members) if each is not None}
        value = np.asarray(tree.value).astype(ensemble.dtype)
        if value.ndim == 1:  # for one of the sums
            columns = [value if i == tree.target else np.zeros_like(value) for i in range(ensemble.targets)]
            value = np.stack(columns, axis=1)
        self.value = value
        self.depth = 0
        self.first = np.zeros(len(self.left), dtype=np.int64)  # leaf below a node
        self.end = np.zeros(len(self.left), dtype=np.int64)  # and the one after its last
        self._number()

    def _number(self) -> None:
        left, right = self.left.tolist(), self.right.tolist()
        order: list[int] = []
        pending, leaves = [(0, 0)], 0
        while pending:
            node, depth = pending.pop()
            order.append(node)
            self.first[node] = leaves
            self.depth = max(self.depth, depth)
            if left[node] == LEAF:
                leaves += 1
                self.end[node] = leaves
            else:
                pending += [(right[node], depth + 1), (left[node], depth + 1)]
        for node in reversed(order):
            if left[node] != LEAF:
                self.end[node] = self.end[right[node]]

    @property
    def leaf_values(self) -> Any:
        """The values of the leaves, from left to right."""
        leaves = self.is_leaf.nonzero()[0]
        return self.value[leaves[self.first[leaves].argsort()]]


def _masks(trees: Sequence[_Nodes], ensemble: Ensemble) -> FastStep | None:
    """Return the step `TreeMasks`; None if it would take too much memory."""
    import numpy as np

    cuts = _cuts(trees, ensemble)
    groups = _groups({column: len(each) + 1 for column, each in cuts.items()})
    leaves = [len(tree.leaf_values) for tree in trees]
    width = next(each for each in _WIDTHS if max(leaves) <= each or each == _WIDTHS[-1])
    words = [-(-count // width) for count in leaves]
    rows = [math.prod(len(cuts[column]) + 1 for column in group) for group in groups]
    if sum(rows) * sum(words) * width // 8 > MOST_MASK_BYTES:
        return None
    ends = np.cumsum(words)
    of_column = {column: _whole(leaves, words, width, len(cuts[column]) + 1) for column in cuts}
    for tree, end, count in zip(trees, ends.tolist(), words, strict=True):
        for node in (~tree.is_leaf).nonzero()[0].tolist():
            left, right = (_bits(tree, child, count, width) for child in (tree.left[node], tree.right[node]))
            column = int(tree.feature[node])
            masks = of_column[column][:, end - count : end]
            goes_left = _goes_left(tree, node, cuts[column], has_nan=ensemble.takes_nan)
            masks[goes_left] &= ~right
            masks[~goes_left] &= ~left
    together = [_together([of_column[column] for column in group]) for group in groups]
    group_of: dict[int, int] = {}
    strides: dict[int, int] = {}
    for number, group in enumerate(groups):
        stride = 1
        for column in reversed(group):
            group_of[column], strides[column] = number, stride
            stride *= len(cuts[column]) + 1
    first_leaf = np.concatenate([np.arange(count) * width for count in words])
    first_leaf += np.repeat(np.cumsum([0, *leaves[:-1]]), words)
    return fast_step(
        "TreeMasks",
        constant("masks", np.concatenate(together)),
        constant("first_leaf", first_leaf.astype(np.int32)),
        constant("value", np.concatenate([tree.leaf_values for tree in trees])),
        constant("feature", np.concatenate([np.full(len(each), column) for column, each in cuts.items()])),
        constant("threshold", np.concatenate([*cuts.values()])),
        starts=[0, *itertools.accumulate(rows[:-1])],
        groups=[group_of[column] for column in cuts],
        strides=[strides[column] for column in cuts],
    )


def _cuts(trees: Sequence[_Nodes], ensemble: Ensemble) -> dict[int, Any]:
    """Return the thresholds of each column in order, with infinity before what is missing."""
    import numpy as np

    found: dict[int, list[float]] = {}
    for tree in trees:
        for node in (~tree.is_leaf).nonzero()[0].tolist():
            sets = [end for value in tree.members.get(node, ()) for end in _ends(value)]
            of_column = found.setdefault(int(tree.feature[node]), [])
            of_column += sets if node in tree.members else [float(tree.threshold[node])]
    end = [np.inf] if ensemble.takes_nan else []
    cuts = {column: np.unique([*found[column], *end]) for column in sorted(found)}
    return cuts or {0: np.array([np.inf])}


def _goes_left(tree: _Nodes, node: int, cuts: Any, *, has_nan: bool) -> Any:
    """Return for each interval between the cuts whether a node sends it to the left."""
    import numpy as np

    interval = np.arange(len(cuts) + 1)
    if node in tree.members:
        ends = np.searchsorted(cuts, [_ends(value) for value in tree.members[node]])
        return ((interval > ends[:, :1]) & (interval <= ends[:, 1:])).any(axis=0)
    left = interval <= np.searchsorted(cuts, tree.threshold[node])
    if has_nan:
        left[-1] = tree.nan_left[node]
    return left


def _ends(value: float) -> tuple[float, float]:
    """Return the numbers that LightGBM takes for a category: those after the first, up to the second."""
    return (-1.0 if value == 0 else math.nextafter(value, -math.inf), math.nextafter(value + 1, -math.inf))


def _groups(intervals: Mapping[int, int]) -> list[list[int]]:
    """Return columns that are looked up together: as many of few intervals as `_MOST_TOGETHER` allows."""
    groups: list[list[int]] = []
    rows = 0
    for column in sorted(intervals, key=lambda each: intervals[each]):
        if groups and rows * intervals[column] <= _MOST_TOGETHER:
            groups[-1].append(column)
            rows *= intervals[column]
        else:
            groups.append([column])
            rows = intervals[column]
    return groups


def _whole(leaves: Sequence[int], words: Sequence[int], width: int, intervals: int) -> Any:
    """Return masks with all leaves of all trees, for each interval of a column."""
    import numpy as np

    row = [part for count, size in zip(leaves, words, strict=True) for part in _span(0, count, size, width)]
    return np.tile(np.array(row, dtype=f"u{width // 8}"), (intervals, 1))


def _bits(tree: _Nodes, node: int, words: int, width: int) -> Any:
    """Return the words of a tree with the leaves below a node."""
    import numpy as np

    spanned = _span(int(tree.first[node]), int(tree.end[node]), words, width)
    return np.array(spanned, dtype=f"u{width // 8}")


def _span(first: int, end: int, words: int, width: int) -> list[int]:
    """Return words with the bits from `first` up to `end`."""
    bits = (1 << end) - (1 << first)
    return [bits >> (width * i) & ((1 << width) - 1) for i in range(words)]


def _together(masks: Sequence[Any]) -> Any:
    """Return what each combination of intervals leaves over, the last column's next to each other."""
    made = masks[0]
    for each in masks[1:]:
        made = (made[:, None] & each[None]).reshape(-1, made.shape[1])
    return made


def _walk(trees: Sequence[_Nodes], ensemble: Ensemble) -> FastStep:
    """Return the step `TreeWalk`."""
    import numpy as np

    roots = np.cumsum([0, *(len(tree.left) for tree in trees[:-1])])
    children = []
    for tree, root in zip(trees, roots.tolist(), strict=True):
        own = np.arange(len(tree.left))
        sides = [np.where(tree.is_leaf, own, side) for side in (tree.left, tree.right)]
        children.append((np.stack(sides, axis=1) + root).ravel())
    constants = [
        constant("roots", roots.astype(np.int64)),
        constant("children", np.concatenate(children).astype(np.int64)),
        constant("feature", np.concatenate([tree.feature for tree in trees])),
        constant("threshold", np.concatenate([tree.threshold for tree in trees])),
        constant("value", np.concatenate([tree.value for tree in trees])),
    ]
    if ensemble.takes_nan:
        constants.append(constant("nan_left", np.concatenate([tree.nan_left for tree in trees])))
    return fast_step("TreeWalk", *constants, depth=max(tree.depth for tree in trees))
