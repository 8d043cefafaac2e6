"""Trees and their ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._linear import Estimator
from scaffold.introspect.fast._values import constant, fast_step, require
from scaffold.spec import Constant

MOST_NODES = 2_000_000
MOST_VALUES = 10_000_000
"""In the leaves: the nodes times the classes."""
_LEAF = -1


def read_tree(step: Any) -> Estimator:
    """Return one tree."""
    return _averaged(step, [step])


def read_forest(step: Any) -> Estimator:
    """Return a forest."""
    return _averaged(step, step.estimators_)


def read_boosted(step: Any) -> Estimator:
    """Return gradient boosting that starts from constants."""
    import numpy as np

    init = type(step.init_).__name__ if step.init_ != "zero" else ""
    require(step, init in ("", "DummyClassifier", "DummyRegressor"), f"init={init}")
    initial = np.asarray(step._raw_predict_init(np.zeros((1, step.n_features_in_), dtype=np.float32)))
    trees = step.estimators_.ravel().tolist()  # stage by stage, an output after the other
    constants, depth = _nodes(step, trees, factor=step.learning_rate)  # it refuses NaN itself
    constants.append(constant("initial", initial[0]))
    classes = attribute(step, "classes_")
    if classes is None:
        return fast_step("BoostedRegressor", *constants, depth=depth), ("predict",)
    methods: tuple[str, ...] = ("predict", "decision_function")
    if step.loss in ("log_loss", "deviance"):
        methods = ("predict", "predict_proba", "decision_function")
    return fast_step("BoostedClassifier", *constants, constant("classes", classes), depth=depth), methods


def _averaged(step: Any, trees: Sequence[Any]) -> Estimator:
    import numpy as np

    require(step, step.n_outputs_ == 1, "several outputs")
    constants, depth = _nodes(step, trees)
    if takes_nan(trees[0]):
        lefts = [np.asarray(tree.tree_.missing_go_to_left).astype(bool) for tree in trees]
        constants.append(constant("nan_left", np.concatenate(lefts)))
    classes = attribute(step, "classes_")
    if classes is None:
        return fast_step("TreeRegressor", *constants, depth=depth), ("predict",)
    estimator = fast_step("TreeClassifier", *constants, constant("classes", classes), depth=depth)
    return estimator, ("predict", "predict_proba")


def _nodes(step: Any, trees: Sequence[Any], factor: float = 1.0) -> tuple[list[Constant], int]:
    """Return the nodes of all trees as arrays, and how deep the deepest is."""
    import numpy as np

    nodes = [tree.tree_ for tree in trees]
    counts = [each.node_count for each in nodes]
    require(step, sum(counts) <= MOST_NODES, f"{sum(counts):,} nodes")
    values = sum(each.value[:, 0, :].size for each in nodes)
    require(step, values <= MOST_VALUES, f"{values:,} values in its leaves")
    roots = np.cumsum([0, *counts[:-1]])
    children = [_children(each, root) for each, root in zip(nodes, roots.tolist(), strict=True)]
    leaf = np.concatenate([each.children_left == _LEAF for each in nodes])
    feature = np.where(leaf, 0, np.concatenate([each.feature for each in nodes]))
    threshold = np.where(leaf, np.inf, np.concatenate([each.threshold for each in nodes]))
    value = np.concatenate([each.value[:, 0, :] for each in nodes]) * factor
    is_classifier = attribute(step, "classes_") is not None and factor == 1.0 and value.shape[1] > 1
    if is_classifier:
        sums = value.sum(axis=1)
        require(step, bool(np.allclose(sums, 1.0, atol=1e-9)), "counts in its leaves (before 1.3)")
    constants = [
        constant("roots", roots.astype(np.int64)),
        constant("children", np.concatenate(children).ravel().astype(np.int64)),
        constant("feature", feature.astype(np.int64)),
        constant("threshold", threshold.astype(np.float64)),
        constant("value", value.astype(np.float64)),
    ]
    return constants, max(int(each.max_depth) for each in nodes)


def _children(tree: Any, root: int) -> Any:
    """Return both children of each node, counted over all trees; of a leaf the leaf itself."""
    import numpy as np

    own = np.arange(tree.node_count)
    left = np.where(tree.children_left == _LEAF, own, tree.children_left)
    right = np.where(tree.children_left == _LEAF, own, tree.children_right)
    return np.stack([left, right], axis=1) + root


def takes_nan(tree: Any) -> bool:
    """Whether NaN is a value for the trees."""
    import numpy as np

    check = attribute(tree, "_support_missing_values")
    return check is not None and bool(check(np.zeros((1, 1))))
