"""The model: features and an estimator in one pipeline, so that both are served together."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from .features import build_features


def build_model(*, seed: int, longest_phrase: int, strength: float) -> Pipeline:
    """The model before it is fitted; the arguments are those of `[model]` in `params.toml`."""
    estimator = LogisticRegression(C=strength, max_iter=1000, random_state=seed)
    return Pipeline([("features", build_features(longest_phrase=longest_phrase)), ("model", estimator)])
