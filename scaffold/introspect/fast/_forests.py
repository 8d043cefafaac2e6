"""The trees of scikit-learn as a graph of ONNX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._graph import LEAF, GraphEstimator, Tree, tree_graph
from scaffold.introspect.fast._trees import takes_nan
from scaffold.introspect.fast._values import constant, fast_step, require

_HALF_LOSSES = ("HalfBinomialLoss", "HalfMultinomialLoss")
_LINKS = {"IdentityLink": "", "LogLink": "exp"}


def read_forest(step: Any) -> GraphEstimator:
    """Return a forest, or one tree."""
    import numpy as np

    estimators = attribute(step, "estimators_") or [step]
    trees = [each.tree_ for each in estimators]
    classes = attribute(step, "classes_")
    require(step, classes is None or step.n_outputs_ == 1, "several outputs")
    targets = step.n_outputs_ if classes is None else len(classes)
    has_nan = takes_nan(estimators[0])
    values = [tree.value[:, :, 0] if classes is None else tree.value[:, 0, :] for tree in trees]
    made = [
        _of_sklearn(tree, value[:, target], target, has_nan=has_nan)
        for tree, value in zip(trees, values, strict=True)
        for target in range(targets)
    ]
    graph = tree_graph(made, columns=step.n_features_in_, targets=targets)
    options: dict[str, Any] = {"count": len(trees), "takes_nan": has_nan}
    if classes is None:
        return fast_step("GraphForestRegressor", **options), ("predict",), graph
    sums = np.concatenate([value.sum(axis=1) for value in values])
    require(step, bool(np.allclose(sums, 1.0, atol=1e-9)), "counts in its leaves (before 1.3)")
    estimator = fast_step("GraphForestClassifier", constant("classes", classes), **options)
    return estimator, ("predict", "predict_proba"), graph


def read_boosted(step: Any) -> GraphEstimator:
    """Return gradient boosting that starts from constants."""
    import numpy as np

    init = type(step.init_).__name__ if step.init_ != "zero" else ""
    require(step, init in ("", "DummyClassifier", "DummyRegressor"), f"init={init}")
    initial = np.asarray(step._raw_predict_init(np.zeros((1, step.n_features_in_), dtype=np.float32)))[0]
    made = [Tree.of_constant(value, i) for i, value in enumerate(initial.tolist())]
    for stage in step.estimators_:
        for target, each in enumerate(stage):
            value = each.tree_.value[:, 0, 0] * step.learning_rate
            made.append(_of_sklearn(each.tree_, value, target, has_nan=False))
    graph = tree_graph(made, columns=step.n_features_in_, targets=len(initial))
    classes = attribute(step, "classes_")
    if classes is None:
        return fast_step("GraphForestRegressor", count=1, takes_nan=False), ("predict",), graph
    require(step, step.loss in ("log_loss", "deviance"), f"loss={step.loss!r}")
    estimator = fast_step("GraphGradientBoostingClassifier", constant("classes", classes))
    return estimator, ("predict", "predict_proba", "decision_function"), graph


def read_histogram_boosted(step: Any) -> GraphEstimator:
    """Return gradient boosting by histograms, of columns of numbers."""
    import numpy as np

    require(step, attribute(step, "_preprocessor") is None, "columns of categories")
    require(step, attribute(step, "is_categorical_") is None, "columns of categories")
    initial = np.asarray(step._baseline_prediction, dtype=np.float64).ravel().tolist()
    made = [Tree.of_constant(value, i) for i, value in enumerate(initial)]
    made += _of_histograms(step._predictors)
    graph = tree_graph(made, columns=step.n_features_in_, targets=len(initial))
    classes = attribute(step, "classes_")
    if classes is None:
        link = type(step._loss.link).__name__
        require(step, link in _LINKS, f"loss={step.loss!r}")
        return fast_step("GraphRegressor", **({"link": "exp"} if _LINKS[link] else {})), ("predict",), graph
    require(step, type(step._loss).__name__ in _HALF_LOSSES, f"loss={step.loss!r}")
    estimator = fast_step("GraphClassifier", constant("classes", classes))
    return estimator, ("predict", "predict_proba", "decision_function"), graph


def _of_histograms(predictors: Sequence[Sequence[Any]]) -> Iterator[Tree]:
    import numpy as np

    for stage in predictors:
        for target, predictor in enumerate(stage):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            yield Tree(
                left=np.where(leaf, LEAF, nodes["left"].astype(np.int64)),
                right=np.where(leaf, LEAF, nodes["right"].astype(np.int64)),
                feature=nodes["feature_idx"],
                threshold=nodes["num_threshold"],
                nan_left=nodes["missing_go_to_left"],
                value=nodes["value"],
                target=target,
            )


def _of_sklearn(tree: Any, value: Any, target: int, *, has_nan: bool) -> Tree:
    import numpy as np

    nan_left = tree.missing_go_to_left if has_nan else np.zeros(tree.node_count)
    return Tree(
        left=tree.children_left,
        right=tree.children_right,
        feature=tree.feature,
        threshold=tree.threshold,
        nan_left=nan_left,
        value=value,
        target=target,
    )
