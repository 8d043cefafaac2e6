"""The categories that the encoders of a model have learned, by the column of the model's input."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute, hint

Column = str | int
# A step that keeps all values except missing ones.
_KEEPS_VALUES = "sklearn.SimpleImputer"
_INNER = ("best_estimator_", "estimator_", "regressor_")
_SHARING = (
    "sklearn._BaseVoting",
    "sklearn._BaseStacking",
    "sklearn._MultiOutputEstimator",
    "sklearn.OneVsRestClassifier",
    "sklearn.OneVsOneClassifier",
)
_ENCODERS = ("sklearn.OneHotEncoder", "sklearn.OrdinalEncoder", "sklearn.TargetEncoder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """The values of a column that an encoder in the model has learned."""

    values: tuple[Any, ...]
    refuses: bool
    """Whether it raises on any other value; if not, it treats others as unknown."""
    encoder: str
    """Name of the class, for the evidence."""


@hint(otherwise={})
def categories(model: Any) -> Mapping[Column, Categories]:
    """Return the learned categories by column name, or by position if the model has no names.

    An encoder counts only if it gets the column's values unchanged: values that an earlier step computed say
    nothing about the input.
    """
    columns: list[Column] = [str(name) for name in _names_in(model)]
    # If one encoder ignores a value and another raises on it, the model raises.
    return dict(sorted(_iter_categories(model, columns), key=lambda entry: entry[1].refuses))


def _iter_categories(step: Any, columns: list[Column]) -> Iterator[tuple[Column, Categories]]:
    """Yield the categories of `columns`, the input of `step`; if empty, of all columns by position."""
    if _checks.is_a(step, "sklearn.Pipeline"):
        for _, inner in step.steps:
            yield from _iter_categories(inner, columns)
            if not _checks.is_a(inner, _KEEPS_VALUES) and inner not in ("passthrough", None):
                return
    elif _checks.is_a(step, "sklearn.ColumnTransformer"):
        for _, inner, selected in attribute(step, "transformers_") or ():
            yield from _iter_categories(inner, _selected_columns(selected, columns or _names_in(step)))
    elif _checks.is_a(step, "sklearn.FeatureUnion"):
        for _, inner in step.transformer_list:
            yield from _iter_categories(inner, columns)
    elif _checks.is_a(step, *_ENCODERS):
        yield from _encoder_categories(step, columns)
    elif _checks.is_a(step, "category_encoders.BaseEncoder"):
        yield from _mapping_categories(step)
    elif _checks.is_a(step, "statsmodels.ResultsWrapper", "statsmodels.Results"):
        yield from _formula_categories(step)
    else:
        for inner in _fitted_within(step):
            yield from _iter_categories(inner, columns)


def _fitted_within(model: Any) -> list[Any]:
    """Return the inner models that take the same input as `model`."""
    if _checks.is_a(model, "sklearn.FrozenEstimator", "sklearn._CalibratedClassifier"):
        return [model.estimator]
    several = ("calibrated_classifiers_", *(["estimators_"] if _checks.is_a(model, *_SHARING) else []))
    models = [inner for name in several for inner in attribute(model, name) or ()]
    return models + [inner for name in _INNER if (inner := attribute(model, name)) is not None]


def _encoder_categories(encoder: object, columns: list[Column]) -> Iterator[tuple[Column, Categories]]:
    refuses = attribute(encoder, "handle_unknown") == "error"
    for position, values in enumerate(attribute(encoder, "categories_") or ()):
        column = columns[position] if position < len(columns) else position
        listed = tuple(None if _is_missing(value) else value for value in values.tolist())
        yield column, Categories(values=listed, refuses=refuses, encoder=type(encoder).__name__)


def _mapping_categories(encoder: object) -> Iterator[tuple[Column, Categories]]:
    """Yield the categories of an encoder of category_encoders, or of its inner ordinal encoder."""
    ordinal = attribute(encoder, "ordinal_encoder") or encoder
    refuses = attribute(encoder, "handle_unknown") == "error"
    for mapping in attribute(ordinal, "mapping") or ():
        index = attribute(mapping.get("mapping"), "index")
        if index is not None:
            values = tuple(value for value in index.tolist() if not _is_missing(value))
            yield (
                str(mapping["col"]),
                Categories(values=values, refuses=refuses, encoder=type(encoder).__name__),
            )


def _formula_categories(results: object) -> Iterator[tuple[Column, Categories]]:
    """Yield the levels of the categorical columns of a formula, which rejects other values."""
    design = attribute(attribute(attribute(results, "model"), "data"), "model_spec")
    for factor, factor_info in (attribute(design, "factor_infos") or {}).items():
        column = _column_of(attribute(factor, "code") or "")
        if column is not None and factor_info.type == "categorical":
            values = tuple(
                value.item() if hasattr(value, "item") else value for value in factor_info.categories
            )
            yield column, Categories(values=values, refuses=True, encoder="The formula")


def _column_of(code: str) -> str | None:
    """Return the column of a factor without a transformation: `g`, `C(g, Sum)`, `Q("g h")`."""
    try:
        node = ast.parse(code, mode="eval").body
    except SyntaxError:
        return None
    while True:
        match node:
            case ast.Call(func=ast.Name(id="C"), args=[of, *_]):
                node = of
            case ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=str(column))]):
                return column
            case ast.Name(id=column):
                return column
            case _:
                return None


def _selected_columns(selected: Any, columns: list[Column]) -> list[Column]:
    """Return the columns that a ColumnTransformer passes to one of its transformers."""
    if isinstance(selected, (str, int)):
        selected = [selected]
    if isinstance(selected, slice):
        return columns[selected] if not isinstance(selected.start, str) else []
    listed = selected.tolist() if hasattr(selected, "tolist") else list(selected)
    if listed and all(isinstance(item, bool) for item in listed):
        listed = [position for position, chosen in enumerate(listed) if chosen]
    return [columns[item] if isinstance(item, int) and item < len(columns) else item for item in listed]


def _names_in(model: object) -> list[Column]:
    names = attribute(model, "feature_names_in_")
    is_list = _checks.is_a(names, "numpy.ndarray") or _checks.is_sequence(names)
    return [str(name) for name in names] if is_list else []


def _is_missing(value: object) -> bool:
    return value is None or value != value or _checks.is_a(value, "pandas.NAType")
