"""The trees of LightGBM."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._ensemble import LEAF, Ensemble, Tree, TreeEstimator
from scaffold.introspect.fast._values import constant, fast_step, require
from scaffold.spec import Category, FastBranch, FastStep, Field, Optional, Pandas, Schema, Table

_UNCHANGED = ("fair", "huber", "lambdarank", "mape", "quantile", "rank_xendcg", "regression", "regression_l1")
_POWERS = ("gamma", "poisson", "tweedie")
_KEEP_INTEGERS = ("ElementFunction",)
_WIDE = ("int32", "int64", "uint32", "uint64")
"""Integers that a float of 32 bits may not hold."""


def read_model(step: Any) -> TreeEstimator:
    """Return a model of the interface of scikit-learn, or a Booster."""
    booster = _booster_of(step)
    model = booster.dump_model()
    objective, *parameters = str(model.get("objective", "of your own")).split()
    require(step, model.get("average_output", False) is False, "boosting_type='rf'")
    options = step.get_params() if hasattr(step, "get_params") else {}
    changing = [name for name, value in options.items() if name.startswith("pred") and value]
    require(step, not changing, ", ".join(changing))
    factors = [float(text.partition(":")[2]) for text in parameters if text.startswith("sigmoid:")]
    require(step, factors in ([], [1.0]), "another `sigmoid` than 1")
    targets = model["num_tree_per_iteration"]
    trees = [_tree(step, each["tree_structure"], i % targets) for i, each in enumerate(model["tree_info"])]
    require(step, bool(trees), "no trees")
    ensemble = Ensemble(trees=trees, columns=booster.num_feature(), targets=targets)
    classes = attribute(step, "classes_")
    if classes is not None:
        require(step, objective in ("binary", "multiclass"), f"objective={objective!r}")
        estimator = fast_step("LightGBMClassifier", constant("classes", classes))
        return estimator, ("predict", "predict_proba"), ensemble
    link = {"binary": "sigmoid", **dict.fromkeys(_POWERS, "exp")}.get(objective, "")
    require(step, bool(link) or objective in _UNCHANGED, f"objective={objective!r}")
    require(step, "sqrt" not in parameters, "reg_sqrt")
    return fast_step("LightGBMRegressor", **({"link": link} if link else {})), ("predict",), ensemble


def _booster_of(step: Any) -> Any:
    return attribute(step, "booster_") or step


def branches_of_categories(step: Any, schema: Schema) -> tuple[FastBranch, ...]:
    """Return the columns of a frame, with LightGBM's numbers for categories; empty without such columns."""
    if not isinstance(schema, Table) or schema.container != Pandas():
        return ()
    fields = [field for field in schema.columns if not field.label]
    levels = attribute(_booster_of(step), "pandas_categorical") or []
    named = [field.name for field in fields if _is_category(field)]
    if not named:
        return ()
    require(step, len(named) == len(levels), "columns of categories")
    branches = []
    for is_category, group in itertools.groupby(fields, key=_is_category):
        columns = tuple(field.name for field in group)
        steps = [_encoder([levels[named.index(name)] for name in columns])] if is_category else []
        branches.append(FastBranch(columns=columns, numeric=not is_category, steps=tuple(steps)))
    return tuple(branches)


def require_floats(step: Any, schema: Schema, before: Sequence[Sequence[FastStep]]) -> None:
    """Require that integers of a frame become floats: beside floats, or in the steps before.

    LightGBM reads integers of a frame in 64 bits and those of an array in 32; a step may give either.

    Args:
        step: The model.
        schema: Its input.
        before: The steps of each branch, and those after them.

    Raises:
        NotCompiledError: They may stay integers.
    """
    kept = all(each.step in _KEEP_INTEGERS for steps in before for each in steps)
    dtypes = {each.dtype for each in schema.columns} if isinstance(schema, Table) else set()
    is_wide = not dtypes.isdisjoint(_WIDE) and not any(dtype.startswith("float") for dtype in dtypes)
    require(step, not (kept and is_wide), "integers that the steps before leave as they are")


def _is_category(field: Field) -> bool:
    schema = field.schema.of if isinstance(field.schema, Optional) else field.schema
    return isinstance(schema, Category)


def _encoder(levels: list[list[Any]]) -> FastStep:
    """Return the step that numbers the categories of columns; a missing one is NaN."""
    constants = [constant("categories", values, listed=True) for values in levels]
    return fast_step(
        "OrdinalEncoder",
        *constants,
        missing=[True] * len(levels),
        unknown_value="nan",
        missing_value="nan",
        dtype="float64",
    )


def _tree(step: Any, structure: dict[str, Any], target: int) -> Tree:
    """Return a tree of the nested nodes that `dump_model` gives."""
    rows: list[dict[str, Any]] = []
    children: list[list[int]] = []
    pending = [(structure, -1, 0)]
    while pending:
        node, parent, side = pending.pop()
        number = len(rows)
        if parent >= 0:
            children[parent][side] = number
        rows.append(node)
        children.append([LEAF, LEAF])
        if "left_child" in node:
            pending += [(node["right_child"], number, 1), (node["left_child"], number, 0)]  # left first
    inner = [node for node in rows if "left_child" in node]
    require(step, all(node["decision_type"] in ("<=", "==") for node in inner), "this kind of node")
    require(step, all(node["missing_type"] != "Zero" for node in inner), "zero_as_missing")
    require(step, not any("leaf_coeff" in node for node in rows), "linear_tree")
    return Tree(
        left=[left for left, _ in children],
        right=[right for _, right in children],
        feature=[node.get("split_feature", 0) for node in rows],
        threshold=[0.0 if _members(node) else node.get("threshold", 0.0) for node in rows],
        nan_left=[_nan_left(node) for node in rows],
        value=[node.get("leaf_value", 0.0) for node in rows],
        target=target,
        members=[_members(node) for node in rows],
    )


def _members(node: dict[str, Any]) -> list[float] | None:
    """Return the categories that go to the left, `0||3`; None if the node has a threshold."""
    if node.get("decision_type") != "==":
        return None
    return [float(text) for text in str(node["threshold"]).split("||")]


def _nan_left(node: dict[str, Any]) -> bool:
    """Whether a missing value goes to the left; it is 0 for a column that had none in training."""
    if node.get("decision_type") == "==":
        return False
    if node.get("missing_type") == "None":
        return bool(node["threshold"] >= 0.0)
    return bool(node.get("default_left", False))
