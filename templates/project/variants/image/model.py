"""The model: features and an estimator in one pipeline, so that both are served together."""

from __future__ import annotations

from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from .features import build_features


def build_model(*, seed: int, strength: float) -> Pipeline:
    """The model before it is fitted; the arguments are those of `[model]` in `params.toml`."""
    return Pipeline([("features", build_features()), ("model", SVC(C=strength, random_state=seed))])
