"""`drift`: compare what a service was asked and answered with the baseline of its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from scaffold.base.checked import read_below
from scaffold.base.layout import CARD_JSON
from scaffold.errors import NoRecordError, ScaffoldError
from scaffold.spec import DriftReport
from scaffold.traffic import PSI_THRESHOLD, Traffic, measure_drift, read_baseline
from scaffold.verbs.project import Project


def drift(
    project: str | Path,
    traffic: str,
    *,
    since: str = "",
    labels: str | Path | None = None,
    key: str = "id",
    psi: float = PSI_THRESHOLD,
) -> DriftReport:
    """Compare the traffic of a service with `model/baseline.json`; return a verdict for each field.

    A field drifts if a likelihood-ratio test finds another distribution, with about one false alarm in a
    hundred comparisons whatever the number of fields, and its population stability index is `psi` or more.

    Args:
        project: The project's folder.
        traffic: A log of JSON lines, a table as Parquet or CSV, or `prometheus:http://host:9090`.
        since: How far back: `7d`, `12h`, `4w`; all of a file by default, and seven days of a server.
        labels: A table of true values, with the column `key` and the column `label`.
        key: The field or column of the traffic that the labels name a row by.
        psi: The least population stability index of a drift.

    Raises:
        UsageError: An option cannot be used, or the folder is no project.
        DriftError: The baseline, the traffic or the labels cannot be read.
    """
    opened = Project.open(project)
    baseline = read_baseline(opened.root)
    facts = _facts_of(opened)
    return measure_drift(
        Traffic(
            source=traffic,
            since=since,
            labels=str(labels or ""),
            key=key,
            model_sha256=facts.model_sha256,
        ),
        baseline,
        project=facts.name,
        version=facts.version,
        recorded={**facts.metrics, **_metrics_of_card(opened.root)},
        threshold=psi,
    )


class _Facts(NamedTuple):
    """What a project says of its model."""

    name: str
    version: str
    model_sha256: str
    metrics: Mapping[str, str]


def _facts_of(project: Project) -> _Facts:
    """Return the facts in the record: a checkout may have a pointer of Git LFS in place of the model.

    A project without a record has only the file of its model.
    """
    try:
        spec = project.spec
    except NoRecordError:
        return _Facts(project.root.resolve().name, "", project.model_sha256, {})
    metrics = dict(spec.origin.metrics) if spec.origin else {}
    return _Facts(spec.name, spec.version, spec.artifact.sha256, metrics)


def _metrics_of_card(root: Path) -> dict[str, str]:
    """Return the metrics in `model/card.json`, where the owner may have added some."""
    try:
        metrics = json.loads(read_below(root, CARD_JSON))["metrics"]
        return {str(name): str(value) for name, value in metrics.items()}
    except (OSError, ScaffoldError, ValueError, LookupError, TypeError, AttributeError):
        return {}
