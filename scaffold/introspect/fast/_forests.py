"""The trees of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._ensemble import LEAF, Ensemble, Tree, TreeEstimator
from scaffold.introspect.fast._values import constant, fast_step, require

_HALF_LOSSES = ("HalfBinomialLoss", "HalfMultinomialLoss")
_LINKS = {"IdentityLink": "", "LogLink": "exp"}


def read_forest(step: Any) -> TreeEstimator:
    """Return a forest, or one tree."""
    import numpy as np

    estimators = attribute(step, "estimators_") or [step]
    trees = [each.tree_ for each in estimators]
    classes = attribute(step, "classes_")
    require(step, classes is None or step.n_outputs_ == 1, "several outputs")
    targets = step.n_outputs_ if classes is None else len(classes)
    has_nan = _takes_nan(estimators[0])
    values = [tree.value[:, :, 0] if classes is None else tree.value[:, 0, :] for tree in trees]
    made = [_of_sklearn(tree, value, 0, has_nan=has_nan) for tree, value in zip(trees, values, strict=True)]
    ensemble = Ensemble(trees=made, columns=step.n_features_in_, targets=targets, takes_nan=has_nan)
    options: dict[str, Any] = {"count": len(trees), "takes_nan": has_nan}
    if classes is None:
        return fast_step("ForestRegressor", **options), ("predict",), ensemble
    sums = np.concatenate([value.sum(axis=1) for value in values])
    require(step, bool(np.allclose(sums, 1.0, atol=1e-9)), "counts in its leaves (before 1.3)")
    estimator = fast_step("ForestClassifier", constant("classes", classes), **options)
    return estimator, ("predict", "predict_proba"), ensemble


def read_boosted(step: Any) -> TreeEstimator:
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
    columns = step.n_features_in_
    ensemble = Ensemble(trees=made, columns=columns, targets=len(initial), takes_nan=False)
    classes = attribute(step, "classes_")
    if classes is None:
        return fast_step("BoostedRegressor"), ("predict",), ensemble
    has_probabilities = step.loss in ("log_loss", "deviance")
    methods = ("predict", *(["predict_proba"] if has_probabilities else []), "decision_function")
    return fast_step("BoostedClassifier", constant("classes", classes)), methods, ensemble


def read_histogram_boosted(step: Any) -> TreeEstimator:
    """Return gradient boosting by histograms, of columns of numbers."""
    import numpy as np

    require(step, attribute(step, "_preprocessor") is None, "columns of categories")
    require(step, attribute(step, "is_categorical_") is None, "columns of categories")
    initial = np.asarray(step._baseline_prediction, dtype=np.float64).ravel().tolist()
    made = [Tree.of_constant(value, i) for i, value in enumerate(initial)]
    made += _of_histograms(step._predictors)
    ensemble = Ensemble(trees=made, columns=step.n_features_in_, targets=len(initial))
    classes = attribute(step, "classes_")
    if classes is None:
        link = type(step._loss.link).__name__
        require(step, link in _LINKS, f"loss={step.loss!r}")
        options = {"link": "exp"} if _LINKS[link] else {}
        return fast_step("SumRegressor", **options), ("predict",), ensemble
    require(step, type(step._loss).__name__ in _HALF_LOSSES, f"loss={step.loss!r}")
    estimator = fast_step("SumClassifier", constant("classes", classes))
    return estimator, ("predict", "predict_proba", "decision_function"), ensemble


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


def _takes_nan(tree: Any) -> bool:
    """Whether NaN is a value for the trees."""
    import numpy as np

    check = attribute(tree, "_support_missing_values")
    return check is not None and bool(check(np.zeros((1, 1))))
