"""The trees of CatBoost: all nodes of a level have the same threshold."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._ensemble import LEAF, Ensemble, Tree, TreeEstimator
from scaffold.introspect.fast._values import constant, fast_step, require

_UNCHANGED = ("Huber", "LogCosh", "MAE", "MAPE", "Quantile", "RMSE")
_POWERS = ("Poisson", "Tweedie")


def read_model(step: Any) -> TreeEstimator:
    """Return a model of columns of numbers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        step.save_model(str(file), format="json")
        model = json.loads(file.read_text(encoding="utf-8"))
    features = model["features_info"]
    others = ("categorical_features", "text_features", "embedding_features", "ctrs")
    require(step, not any(features.get(name) for name in others), "columns other than numbers")
    require(step, "oblivious_trees" in model, "another grow_policy than SymmetricTree")
    scale, bias = model["scale_and_bias"]
    starts = bias if isinstance(bias, list) else [bias]
    trees = [
        tree
        for each in model["oblivious_trees"]
        for tree in _trees(each, features["float_features"], scale, len(starts))
    ]
    trees += [Tree.of_constant(start, i) for i, start in enumerate(starts)]
    ensemble = Ensemble(trees=trees, columns=len(step.feature_names_), targets=len(starts))
    objective = model["model_info"]["params"]["loss_function"]["type"]
    classes = attribute(step, "classes_")
    if classes is None or len(classes) == 0:
        require(
            step, objective in (*_UNCHANGED, *_POWERS) and len(starts) == 1, f"loss_function={objective!r}"
        )
        link = {"link": "exp"} if objective in _POWERS else {}
        return fast_step("CatBoostRegressor", **link), ("predict",), ensemble
    require(step, objective in ("Logloss", "MultiClass"), f"loss_function={objective!r}")
    threshold = attribute(step, "get_probability_threshold")
    require(step, threshold is None or threshold() == 0.5, "a probability threshold")
    estimator = fast_step("CatBoostClassifier", constant("classes", classes))
    return estimator, ("predict", "predict_proba"), ensemble


def _trees(tree: dict[str, Any], features: list[dict[str, Any]], scale: float, targets: int) -> list[Tree]:
    """Return a tree for each sum. A leaf has a bit for each threshold, set for rows above that one."""
    import numpy as np

    splits = tree["splits"][::-1]  # the root has the highest bit
    inner = 2 ** len(splits) - 1
    number = np.arange(2 * inner + 1)
    level = np.log2(number[:inner] + 1).astype(int)
    of_level = [features[split["float_feature_index"]] for split in splits]
    columns = np.array([feature["flat_feature_index"] for feature in of_level], dtype=np.int64)
    above = np.array([feature["nan_value_treatment"] == "AsTrue" for feature in of_level], dtype=bool)
    borders = np.array([split["border"] for split in splits], dtype=np.float64)
    values = np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, targets) * scale
    leaves = np.zeros(inner + 1, dtype=np.int64)
    return [
        Tree(
            left=np.where(number < inner, 2 * number + 1, LEAF),
            right=np.where(number < inner, 2 * number + 2, LEAF),
            feature=np.concatenate([columns[level], leaves]),
            threshold=np.concatenate([borders[level], leaves]),
            nan_left=np.concatenate([~above[level], leaves]),
            value=np.concatenate([np.zeros(inner), values[:, target]]),
            target=target,
        )
        for target in range(targets)
    ]
