"""Drift, by answer: `model/baseline.json`, and the code that counts requests against it."""

from __future__ import annotations

from scaffold.base.baseline import baseline_text
from scaffold.base.layout import BASELINE
from scaffold.spec import ProjectSpec


def drift_files(spec: ProjectSpec) -> dict[str, bytes]:
    """Return the files for drift by path; none without a baseline."""
    if spec.baseline is None:
        return {}
    return {BASELINE: baseline_text(spec.baseline).encode()}
