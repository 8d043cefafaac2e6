"""The levels of the categorical columns that a boosted model was fitted on, where it keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._guard import attribute, hint
from scaffold.introspect._hints import steps_of

Levels = tuple[Any, ...]


@hint(otherwise={})
def category_levels(model: object) -> Mapping[str, Levels]:
    """Return the levels of each column that `model`, or one that it holds, takes as a category.

    lightgbm and xgboost know a level by its place, and so they keep the levels of the frame that they were
    fitted on. A file of text or JSON has no categories: what was read from it is cast with these.
    """
    for step in _all_steps(model):
        for read in (_of_lightgbm, _of_xgboost):
            if levels := read(step):
                return levels
    return {}


def _all_steps(model: object) -> Iterator[object]:
    """Yield what takes the model's input: all steps of pipelines, and what a class of one's own holds."""
    held = [*_steps(model), *vars(model).values()] if hasattr(model, "__dict__") else [*_steps(model)]
    for one in [model, *held]:
        yield from steps_of(one)


def _steps(model: object) -> list[object]:
    steps = attribute(model, "steps")
    return [step for _, step in steps] if isinstance(steps, list) else []


@hint(otherwise={})
def _of_lightgbm(booster: Any) -> Mapping[str, Levels]:
    if not _kinds.kin(booster, "lightgbm.Booster"):
        return {}
    levels = attribute(booster, "pandas_categorical") or ()
    places = booster.params.get("categorical_column", booster.params.get("categorical_feature", ()))
    if not levels or not isinstance(places, list) or len(places) != len(levels):
        return {}
    names = booster.feature_name()
    return {names[place]: tuple(known) for place, known in zip(places, levels, strict=True)}


@hint(otherwise={})
def _of_xgboost(model: object) -> Mapping[str, Levels]:
    if not _kinds.kin(model, "xgboost.Booster") or not hasattr(model, "get_categories"):
        return {}
    stored = model.get_categories(export_to_arrow=True).to_arrow()
    return {name: tuple(levels.to_pylist()) for name, levels in stored if levels is not None}
