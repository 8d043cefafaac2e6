"""The trees of XGBoost: in 32 bits, as XGBoost compares and sums."""

from __future__ import annotations

import json
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._columns import gives_sparse
from scaffold.introspect.fast._ensemble import Ensemble, Tree, TreeEstimator
from scaffold.introspect.fast._values import constant, fast_step, require
from scaffold.spec import JSONValue

_UNCHANGED = (
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
)
_POWERS = ("count:poisson", "reg:gamma", "reg:tweedie")
_LOGISTIC = ("binary:logistic", "reg:logistic")


def read_model(step: Any) -> TreeEstimator:
    """Return a model of the interface of scikit-learn, or a Booster."""
    is_booster = attribute(step, "get_booster") is None
    booster = step if is_booster else step.get_booster()
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    model = learner["gradient_booster"]
    require(step, model.get("name") == "gbtree", f"booster={model.get('name')!r}")
    objective = learner["objective"]["name"]
    best = None if is_booster else attribute(step, "best_iteration")  # a Booster takes all trees
    trees, targets = _trees(step, model["model"], learner, best)
    starts = _starts(step, learner["learner_model_param"], objective, targets)
    made = [Tree.of_constant(start, i) for i, start in enumerate(starts)] + trees
    columns = int(learner["learner_model_param"]["num_feature"])
    ensemble = Ensemble(trees=made, columns=columns, targets=targets, dtype="<f4", strict=True)
    if is_booster:
        estimator = fast_step("XGBoostBooster", **_link_of_booster(step, objective, targets))
        return estimator, ("predict",), ensemble
    missing = attribute(step, "missing")
    require(step, missing is None or missing != missing, f"missing={missing!r}")
    classes = attribute(step, "classes_")
    if classes is None:
        require(step, targets == 1, "several outputs")
        return fast_step("XGBoostRegressor", **_link(step, objective)), ("predict",), ensemble
    require(step, objective in ("binary:logistic", "multi:softprob"), f"objective={objective!r}")
    estimator = fast_step("XGBoostClassifier", constant("classes", classes))
    return estimator, ("predict", "predict_proba"), ensemble


def require_no_stored_zeros(before: list[Any]) -> None:
    """Refuse steps that may store zeros in a sparse matrix: XGBoost takes the others for missing values."""
    for i, step in enumerate(before):
        is_encoder = type(step).__name__ in ("ColumnTransformer", "OneHotEncoder", "PCA")
        if gives_sparse(before[:i]) and not is_encoder:
            require(step, "feature_selection" in type(step).__module__, "sparse input before XGBoost")


def _link_of_booster(step: Any, objective: str, targets: int) -> dict[str, JSONValue]:
    """Return what a Booster makes of the sums: it gives probabilities where a classifier gives labels."""
    if objective == "multi:softprob":
        return {"link": "softmax"}
    require(step, targets == 1, f"objective={objective!r}")
    return _link(step, objective)


def _link(step: Any, objective: str) -> dict[str, JSONValue]:
    """Return what the objective makes of the sum; nothing where it stays as it is.

    Raises:
        NotCompiledError: It is another objective.
    """
    require(step, objective in (*_UNCHANGED, *_POWERS, *_LOGISTIC), f"objective={objective!r}")
    link = "exp" if objective in _POWERS else "sigmoid"
    return {} if objective in _UNCHANGED else {"link": link}


def _trees(
    step: Any, model: dict[str, Any], learner: dict[str, Any], best: int | None
) -> tuple[list[Tree], int]:
    """Return the trees that `predict` sums, and how many sums there are.

    Args:
        step: The model.
        model: Its trees.
        learner: What the trees are part of.
        best: The last iteration that counts; all do if None.
    """
    import numpy as np

    targets = max(1, int(learner["learner_model_param"]["num_class"]))
    require(step, int(learner["learner_model_param"].get("num_target", 1)) <= 1, "several outputs")
    ends = model.get("iteration_indptr") or []
    parallel = int(model["gbtree_model_param"].get("num_parallel_tree", 1))
    end = len(model["trees"])
    if best is not None:
        end = ends[best + 1] if ends else (best + 1) * targets * parallel
    made = []
    for tree, target in zip(model["trees"][:end], model["tree_info"], strict=False):
        require(step, not tree.get("categories_nodes"), "columns of categories")
        require(step, int(tree["tree_param"].get("size_leaf_vector", 1)) <= 1, "several outputs in a tree")
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        made.append(
            Tree(
                left=tree["left_children"],
                right=tree["right_children"],
                feature=tree["split_indices"],
                threshold=conditions,
                nan_left=tree["default_left"],
                value=conditions,
                target=int(target),
            )
        )
    return made, targets


def _starts(step: Any, parameters: dict[str, Any], objective: str, targets: int) -> list[float]:
    """Return what each sum starts from: `base_score`, before the link of the objective."""
    import numpy as np

    text = str(parameters["base_score"]).strip("[]")
    scores = np.array([float(each) for each in text.split(",")], dtype=np.float32)
    if objective in _LOGISTIC:
        scores = -np.log(np.float32(1.0) / scores - np.float32(1.0))
    elif objective in _POWERS:
        scores = np.log(scores)
    require(step, len(scores) in (1, targets), "this base_score")
    return [float(score) for score in np.broadcast_to(scores, (targets,)).tolist()]
