"""How good predictions are."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import mean_absolute_error, r2_score


def evaluate(targets: Sequence[float], predictions: Sequence[float]) -> dict[str, float]:
    """`r2`: the share of the variance that is explained; `error`: the mean absolute error, negative."""
    return {
        "r2": float(r2_score(targets, predictions)),
        "error": -float(mean_absolute_error(targets, predictions)),
    }
