"""The levels of the categorical columns that a boosted model was fitted on, where it keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._guard import attribute, hint
from scaffold.introspect.hints._hints import steps_of

Levels = tuple[Any, ...]


@hint(otherwise={})
def category_levels(model: object) -> Mapping[str, Levels]:
    """Return the levels of each categorical column of `model`, or of a model in its steps or attributes.

    lightgbm and xgboost encode a level by its position, so they store the levels of the training frame. CSV
    and JSON have no categorical type: columns read from them are cast to these levels.
    """
    for step in _all_steps(model):
        for read in (_of_lightgbm, _of_xgboost):
            if levels := read(step):
                return levels
    return {}


def _all_steps(model: object) -> Iterator[object]:
    """Yield the model, its pipeline steps, its attributes and their inner estimators."""
    parts = [*_steps(model), *vars(model).values()] if hasattr(model, "__dict__") else [*_steps(model)]
    for part in [model, *parts]:
        yield from steps_of(part)


def _steps(model: object) -> list[object]:
    steps = attribute(model, "steps")
    return [step for _, step in steps] if isinstance(steps, list) else []


@hint(otherwise={})
def _of_lightgbm(booster: Any) -> Mapping[str, Levels]:
    if not _checks.is_a(booster, "lightgbm.Booster"):
        return {}
    levels = attribute(booster, "pandas_categorical") or ()
    places = booster.params.get("categorical_column", booster.params.get("categorical_feature", ()))
    if not levels or not isinstance(places, list) or len(places) != len(levels):
        return {}
    names = booster.feature_name()
    return {names[place]: tuple(column_levels) for place, column_levels in zip(places, levels, strict=True)}


@hint(otherwise={})
def _of_xgboost(model: object) -> Mapping[str, Levels]:
    if not _checks.is_a(model, "xgboost.Booster") or not hasattr(model, "get_categories"):
        return {}
    stored = model.get_categories(export_to_arrow=True).to_arrow()
    return {name: tuple(levels.to_pylist()) for name, levels in stored if levels is not None}
