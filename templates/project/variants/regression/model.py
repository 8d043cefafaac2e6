"""The model: features and an estimator in one pipeline, so that both are served together."""

from __future__ import annotations

from sklearn.ensemble import GradientBoostingRegressor
from sklearn.pipeline import Pipeline

from .features import build_features


def build_model(*, seed: int, trees: int, depth: int, learning_rate: float) -> Pipeline:
    """The model before it is fitted; the arguments are those of `[model]` in `params.toml`."""
    estimator = GradientBoostingRegressor(
        n_estimators=trees, max_depth=depth, learning_rate=learning_rate, random_state=seed
    )
    return Pipeline([("features", build_features()), ("model", estimator)])
