"""The distribution of a model's inputs and predictions that a service compares its requests with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBaseline:
    """The distribution of a number."""

    name: str
    missing: float
    """The share of the rows without a value."""
    min: float
    max: float
    """The range of the values, rounded outwards."""
    edges: tuple[float, ...]
    """Rounded quantiles, in order; at most nine."""
    shares: tuple[float, ...]
    """The shares of the present values up to each edge, and above the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryBaseline:
    """The distribution of labels: texts, booleans, the classes of a classifier."""

    name: str
    missing: float
    """The share of the rows without a value."""
    shares: tuple[tuple[str, float], ...]
    """The shares of the present values, the largest first."""
    other: float
    """The share of all labels that are too rare to be named."""


FieldBaseline: TypeAlias = Union[NumberBaseline, CategoryBaseline]  # noqa: UP007


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a service compares its requests and predictions with. It has no row of the data."""

    rows: int
    made_from: str
    """`the sample`, or the name of the file with the training data."""
    fields: tuple[FieldBaseline, ...]
    predictions: tuple[FieldBaseline, ...]
    predictions_from: str
    """As `made_from`, for the predictions."""
    predicted_rows: int
    """The number of predictions."""
