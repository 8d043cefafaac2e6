"""Drift in Prometheus and Grafana: the values of `drift_rules.yaml` and `drift_dashboard.yaml`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, ProjectSpec

_PSI = 0.2
"""The population stability index from which the literature calls a shift large."""
_SIGMAS = 3.72
"""One of 10,000 windows without drift is above it, for each field."""
_OUTSIDE = 0.02
_LABELS = 'namespace="$namespace", job="$job"'
_COLUMNS, _WIDTH, _HEIGHT = 2, 12, 8


def monitoring_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the thresholds of the alerts and the panels of the dashboard; nothing without a baseline."""
    baseline = spec.baseline
    if baseline is None:
        return {"drift_monitoring": False}
    inputs = _thresholds(baseline.fields, baseline.rows)
    predictions = _thresholds(baseline.predictions, baseline.predicted_rows)
    return {
        "drift_monitoring": True,
        "drift_input_psi": inputs[0],
        "drift_input_records": inputs[1],
        "drift_prediction_psi": predictions[0],
        "drift_prediction_records": predictions[1],
        # Of the next value, the chance to be the greatest or the least so far is two in as many as there are.
        "drift_outside": _rounded_up(max(_OUTSIDE, 10 / max(baseline.rows, 1))),
        "drift_made_from": f"{baseline.rows} rows of {baseline.made_from}",
        "drift_panels": _panels(baseline, inputs[0]),
        "braces": "{{",
    }


def _thresholds(fields: Sequence[FieldBaseline], rows: int) -> tuple[float, int]:
    """Return the index of an alert, and the records that it needs.

    Without drift the index of `n` records against a baseline of `m` rows in `k` bins is, nearly,
    `(1/n + 1/m)` times a chi-square variable of `k - 1` degrees of freedom. A verdict needs so many records
    that chance alone rarely exceeds the threshold; a baseline of few rows raises that.
    """
    bins = max((len(each.shares) + 1 + isinstance(each, CategoryBaseline) for each in fields), default=2)
    chance = _chi_square(bins - 1)
    threshold = _rounded_up(max(_PSI, 2 * chance / max(rows, 1)))
    records = math.ceil(chance / (threshold - chance / max(rows, 1)))
    return threshold, 50 * math.ceil(records / 50)


def _chi_square(freedom: int) -> float:
    """Return the quantile of a chi-square variable (Wilson and Hilferty)."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + _SIGMAS * math.sqrt(part)) ** 3


def _rounded_up(number: float) -> float:
    return math.ceil(number * 100) / 100


def _panels(baseline: Baseline, threshold: float) -> str:
    """Return the panels as lines of JSON: those of all fields, and one for each field."""
    titles = [
        _panel("Population stability index", [(f"drift:psi{{{_LABELS}}}", "{{part}} {{field}}")], threshold),
        _panel(
            "Values that the baseline never saw",
            [(f"drift:outside_share{{{_LABELS}}}", "{{part}} {{field}}")],
            unit="percentunit",
        ),
        _panel("Jensen-Shannon divergence", [(f"drift:jensen_shannon{{{_LABELS}}}", "{{part}} {{field}}")]),
        _panel("Records in the window", [(f"drift:records{{{_LABELS}}}", "records")]),
    ]
    for part, fields in (("input", baseline.fields), ("prediction", baseline.predictions)):
        for field in fields:
            selector = f"{{{_LABELS}, part={json.dumps(part)}, field={json.dumps(field.name)}}}"
            queries = [
                (f"drift:share{selector}", "{{bin}}"),
                (f"drift:baseline_share{selector}", "{{bin}}, baseline"),
            ]
            titles.append(_panel(f"{part}: {field.name}", queries, unit="percentunit"))
    lines = []
    for number, panel in enumerate(titles):
        row, column = divmod(number, _COLUMNS)
        place = {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
        lines.append(json.dumps({"id": number + 1, **panel, "gridPos": place}, ensure_ascii=False))
    return ",\n".join(lines)


def _panel(
    title: str, queries: Sequence[tuple[str, str]], threshold: float | None = None, *, unit: str = "short"
) -> dict[str, object]:
    defaults: dict[str, object] = {"unit": unit, "min": 0}
    if threshold is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": threshold}]
        defaults |= {
            "thresholds": {"mode": "absolute", "steps": steps},
            "custom": {"thresholdsStyle": {"mode": "line"}},
        }
    dashed = {
        "matcher": {"id": "byRegexp", "options": "/, baseline$/"},
        "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}}],
    }
    return {
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend}
            for number, (query, legend) in enumerate(queries)
        ],
        "fieldConfig": {"defaults": defaults, "overrides": [dashed] if len(queries) > 1 else []},
    }
