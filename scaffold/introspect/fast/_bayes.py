"""Naive Bayes."""

from __future__ import annotations

from typing import Any

from scaffold.introspect.fast._linear import Estimator
from scaffold.introspect.fast._values import constant, fast_step, finite
from scaffold.spec import FastStep


def read_gaussian(step: Any) -> Estimator:
    """Return a GaussianNB."""
    estimator: FastStep = fast_step(
        "GaussianNB",
        constant("mean", finite(step, "theta_")),
        constant("variance", finite(step, "var_")),
        constant("prior", finite(step, "class_prior_")),
        constant("classes", step.classes_),
    )
    return estimator, ("predict", "predict_proba")
