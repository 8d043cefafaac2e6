"""Linear models."""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import constant, fast_step, finite, require
from scaffold.spec import FastStep

Estimator = tuple[FastStep, tuple[str, ...]]
"""The last step, and its methods that are compiled."""
SPARSE = {"LinearClassifier": "SparseLinearClassifier", "LinearRegressor": "SparseLinearRegressor"}
"""The forms of steps after sparse output."""


def read_regressor(step: Any) -> Estimator:
    """Return a regressor with one output."""

    coef = finite(step, "coef_")
    require(step, coef.ndim == 1, "targets in columns")
    intercept = _intercept(step, coef)
    require(step, intercept.size == 1, "this intercept")
    constants = constant("coef", coef), constant("intercept", intercept.reshape(-1)[0])
    return fast_step("LinearRegressor", *constants), ("predict",)


def read_classifier(step: Any) -> Estimator:
    """Return a classifier without probabilities."""
    return fast_step("LinearClassifier", *_of_classes(step)), ("predict", "decision_function")


def read_logistic(step: Any) -> Estimator:
    """Return a LogisticRegression."""
    classes = len(step.classes_)
    chosen = attribute(step, "multi_class")  # up to scikit-learn 1.7
    require(step, classes > 2 or chosen != "multinomial", "multi_class='multinomial' and two classes")
    is_one_vs_rest = chosen == "ovr" or step.solver == "liblinear"
    probabilities = "each" if is_one_vs_rest or classes == 2 else "softmax"
    estimator = fast_step("LinearClassifier", *_of_classes(step), probabilities=probabilities)
    return estimator, ("predict", "predict_proba", "decision_function")


def read_gradient_descent(step: Any) -> Estimator:
    """Return an SGDClassifier."""
    if step.loss in ("log_loss", "log"):
        estimator = fast_step("LinearClassifier", *_of_classes(step), probabilities="each")
        return estimator, ("predict", "predict_proba", "decision_function")
    return read_classifier(step)


def _intercept(step: Any, coef: Any) -> Any:
    """Return the intercept; a float of Python has no dtype of its own."""
    intercept = finite(step, "intercept_")
    return intercept.astype(coef.dtype) if type(step.intercept_) in (int, float) else intercept


def _of_classes(step: Any) -> tuple[Any, ...]:
    import numpy as np

    classes, coef = np.asarray(step.classes_), np.atleast_2d(finite(step, "coef_"))
    require(step, classes.ndim == 1 and len(coef) == (len(classes) if len(classes) > 2 else 1), "this shape")
    intercept = _intercept(step, coef)
    return constant("coef", coef), constant("intercept", intercept), constant("classes", classes)
