"""How good predictions are."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import accuracy_score, f1_score


def evaluate(targets: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """`accuracy`: the share of right labels; `f1`: precision and recall, each label counted alike."""
    return {
        "accuracy": float(accuracy_score(targets, predictions)),
        "f1": float(f1_score(targets, predictions, average="macro")),
    }
