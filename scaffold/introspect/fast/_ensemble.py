"""The trees of a model as arrays, whichever library grew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.introspect.fast._values import NotCompiledError
from scaffold.spec import FastStep

LEAF = -1
MOST_NODES = 2_000_000
"""Counted once for each sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The nodes of a tree as arrays; the first one is its root."""

    left: Any
    """The number of the left child, which rows up to the threshold go to; `LEAF` in a leaf."""
    right: Any
    feature: Any
    threshold: Any
    nan_left: Any
    """Whether a missing value goes to the left child."""
    value: Any
    """What a leaf adds: to the sum `target`, or to each sum if it has a column for each."""
    target: int = 0
    members: Sequence[Sequence[float] | None] = ()
    """For each node the values that go to the left child, where it is no threshold; empty without such."""

    @staticmethod
    def of_constant(value: float, target: int) -> Tree:
        """Return a tree that adds the same to each row."""
        import numpy as np

        nowhere, leaf = np.zeros(1), np.array([LEAF])
        return Tree(
            left=leaf,
            right=leaf,
            feature=nowhere,
            threshold=nowhere,
            nan_left=nowhere,
            value=np.array([value]),
            target=target,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Trees whose leaves are summed, one after the other."""

    trees: Sequence[Tree]
    columns: int
    """How many columns a row has."""
    targets: int
    """How many sums there are."""
    dtype: str = "<f8"
    """In which rows are compared and leaves are summed."""
    strict: bool = False
    """Whether a value equal to the threshold goes to the right."""
    takes_nan: bool = True
    """Whether a value may be missing."""

    def require_few_nodes(self) -> None:
        """Check that there are at most `MOST_NODES` nodes.

        Raises:
            NotCompiledError: There are more.
        """
        import numpy as np

        nodes = sum(np.asarray(tree.value).size for tree in self.trees)
        if nodes > MOST_NODES:
            raise NotCompiledError(f"{nodes:,} nodes have no compiled form")


TreeEstimator = tuple[FastStep, tuple[str, ...], Ensemble]
"""The last step without what sums its trees, its methods that are compiled, and its trees."""
