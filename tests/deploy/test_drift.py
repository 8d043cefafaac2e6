"""The alerts on drift and the dashboard, by the answers `drift` and `service_monitor`."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.base.baseline import columns_of, summarize_columns
from scaffold.render._deploy import deploy_files
from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, JSONValue, NumberBaseline
from tests.deploy._helm import lint, rendered
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import write

LABELS = 'namespace="titanic-staging", job="titanic", model="abababababab"'
PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool: apt-get install prometheus")


def rows(count: int, seed: int, *, shift: float = 0, labels: str = "aab") -> list[dict[str, JSONValue]]:
    chance = random.Random(seed)
    return [{"age": chance.gauss(40 + shift, 10), "plan": chance.choice(labels)} for _ in range(count)]


def baseline(count: int = 2000) -> Baseline:
    fields = summarize_columns(columns_of(rows(count, 1)))
    predictions = summarize_columns({"prediction": [row["plan"] for row in rows(count, 2)]})
    return Baseline(
        rows=count,
        made_from="training.parquet",
        fields=fields,
        predictions=predictions,
        predictions_from="training.parquet",
        predicted_rows=count,
    )


def files(made: Baseline | None, **answers: JSONValue) -> dict[str, bytes]:
    spec = dataclasses.replace(project_spec({"service_monitor": True, **answers}), baseline=made)
    return {path: text for path, text in deploy_files(spec).items() if "drift" in Path(path).name}


def test_without_the_answer_there_is_neither() -> None:
    assert files(None) == {}
    assert files(baseline(), service_monitor=False) == {}


def test_the_dashboard_has_a_panel_for_each_field() -> None:
    found = yaml.safe_load(files(baseline())["deploy/production/drift_dashboard.yaml"])
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    board = json.loads(found["data"]["titanic-drift.json"])
    titles = [panel["title"] for panel in board["panels"]]
    assert titles[-3:] == ["input: age", "input: plan", "prediction: prediction"]
    assert board["templating"]["list"][1]["query"] == "titanic-production"
    assert len({panel["id"] for panel in board["panels"]}) == len(titles)


def test_few_rows_raise_the_threshold_and_the_number_of_requests() -> None:
    found = {}
    for count in (100, 2000, 100_000):
        rules = yaml.safe_load(files(baseline(count))["deploy/staging/drift_rules.yaml"])
        [alert] = [rule for rule in rules["spec"]["groups"][0]["rules"] if rule.get("alert") == "InputDrift"]
        words = alert["expr"].split()
        found[count] = float(words[words.index(">") + 1]), int(words[words.index(">=") + 1])
    assert found[100][0] > 0.5
    assert found[2000][0] == found[100_000][0] == 0.2
    assert found[100_000][1] <= found[2000][1] <= 300


def counts_of(made: Baseline, seen: list[Any]) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Values by field and bin, and those that were never seen, by field."""
    bins: Counter[tuple[str, str]] = Counter()
    outside: Counter[str] = Counter()
    age, plan = made.fields
    assert isinstance(age, NumberBaseline)
    assert isinstance(plan, CategoryBaseline)
    for row in seen:
        number, label = row["age"], row["plan"]
        above = [f"<= {edge:.15g}" for edge in age.edges if number <= edge]
        bins["age", above[0] if above else f"> {age.edges[-1]:.15g}"] += 1
        outside["age"] += not age.min <= number <= age.max
        known = label in dict(plan.shares)
        bins["plan", label if known else "(other)"] += 1
        outside["plan"] += not known
    return bins, outside


def shares_of(field: FieldBaseline) -> dict[str, float]:
    """The shares of the baseline by bin; no value is missing and no label is rare."""
    if isinstance(field, CategoryBaseline):
        shares = dict(field.shares)
    else:
        edges = [f"{edge:.15g}" for edge in field.edges]
        shares = dict(zip([*(f"<= {edge}" for edge in edges), f"> {edges[-1]}"], field.shares, strict=True))
    return {**shares, "(other)": 0.0, "(missing)": 0.0}


def series(made: Baseline, seen: list[Any]) -> list[dict[str, str]]:
    """What Prometheus reads every five minutes of a service that got these requests over four hours."""
    bins, outside = counts_of(made, seen)
    steps = 4 * 12

    def steady(metric: str, labels: str, total: int) -> dict[str, str]:
        return {"series": f"{metric}{{{LABELS}{labels}}}", "values": f"0+{total / steps:.6f}x{steps}"}

    found = [steady("drift_records_total", "", len(seen))]
    for field in made.fields:
        of_field = f', part="input", field="{field.name}"'
        for name, share in shares_of(field).items():
            of_bin = f'{of_field}, bin="{name}"'
            found.append(steady("drift_values_total", of_bin, bins[field.name, name]))
            place = f"drift_baseline_share{{{LABELS}{of_bin}}}"
            found.append({"series": place, "values": f"{share}x{steps}"})
        found.append(steady("drift_outside_total", of_field, outside[field.name]))
    return found


CASES: dict[str, tuple[list[dict[str, JSONValue]], list[tuple[str, str]]]] = {
    "as before": (rows(2000, 5), []),
    "as before, another day": (rows(3000, 6), []),
    "a shift that is too small for an alert": (rows(3000, 7, shift=2), []),
    "too few requests for a verdict": (rows(300, 8, shift=30), []),
    "a shifted number": (rows(3000, 9, shift=8), [("InputDrift", "age")]),
    "a unit that changed": (rows(3000, 9, shift=400), [("InputDrift", "age"), ("ValuesNeverSeen", "age")]),
    "another share of a label": (rows(3000, 10, labels="abbbb"), [("InputDrift", "plan")]),
    "a new label": (rows(3000, 11, labels="aaabc"), [("InputDrift", "plan"), ("ValuesNeverSeen", "plan")]),
}


WORDS = {
    "InputDrift": "titanic: the field {} is distributed otherwise than in the baseline.",
    "ValuesNeverSeen": "titanic: {} has values out of the range or the labels of the baseline.",
    "PredictionDrift": "",
}


def alerts_of(expected: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """What promtool expects of each alert: the fields that it fires for."""
    labels = dict(pair.replace('"', "").split("=") for pair in LABELS.split(", "))
    labels |= {"part": "input", "severity": "warning"}
    return [
        {
            "eval_time": "3h55m",
            "alertname": alert,
            "exp_alerts": [
                {
                    "exp_labels": {**labels, "field": field},
                    "exp_annotations": {"summary": words.format(field)},
                }
                for each, field in expected
                if each == alert
            ],
        }
        for alert, words in WORDS.items()
    ]


@PROMTOOL
def test_promtool_finds_the_series_that_drift_and_no_others(tmp_path: Path) -> None:
    made = baseline()
    manifest = yaml.safe_load(files(made, drift_hours=2)["deploy/staging/drift_rules.yaml"])
    assert manifest["kind"] == "PrometheusRule"
    tests = [
        {
            "name": name,
            "interval": "5m",
            "input_series": series(made, seen),
            "alert_rule_test": alerts_of(expected),
        }
        for name, (seen, expected) in CASES.items()
    ]
    run_promtool(tmp_path, manifest, tests)


def run_promtool(folder: Path, manifest: Any, tests: list[dict[str, Any]]) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump(manifest["spec"]))
    given = {"rule_files": ["rules.yaml"], "evaluation_interval": "5m", "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(given))
    check = ["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]
    for command in (check, ["test", "rules", "tests.yaml"]):
        run = ["promtool", *command]
        done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def predictions(model: str, shares: dict[str, float], answered: dict[str, float], form: str) -> list[Any]:
    """The series of a model's predictions: `form` says when its pods are there."""
    labels = f'namespace="titanic-staging", job="titanic", model="{model}"'
    found = [{"series": f"drift_records_total{{{labels}}}", "values": form.format("0+50")}]
    for label, share in shares.items():
        of_bin = f'{labels}, part="prediction", field="prediction", bin="{label}"'
        grows = f"0+{50 * answered[label]:g}"
        found.append({"series": f"drift_values_total{{{of_bin}}}", "values": form.format(grows)})
        found.append({"series": f"drift_baseline_share{{{of_bin}}}", "values": form.format(f"{share}+0")})
    return found


@PROMTOOL
def test_after_a_deploy_each_model_is_compared_with_its_own_baseline(tmp_path: Path) -> None:
    manifest = yaml.safe_load(files(baseline(), drift_hours=24)["deploy/staging/drift_rules.yaml"])
    former, mine = {"0": 0.9, "1": 0.1}, {"0": 0.4, "1": 0.6}
    labels = {"namespace": "titanic-staging", "job": "titanic", "part": "prediction", "severity": "warning"}
    summary = "titanic: the predictions (prediction) are distributed otherwise than in the baseline."
    alert = {
        "exp_labels": {**labels, "model": "mine", "field": "prediction"},
        "exp_annotations": {"summary": summary},
    }
    tests = []
    for answered, expected in ((mine, []), (former, [alert])):
        series_of_both = predictions("former", former, former, "{}x24 stale")
        series_of_both += predictions("mine", mine, answered, "_x22 {}x26")
        alerts = [{"eval_time": "3h55m", "alertname": "PredictionDrift", "exp_alerts": expected}]
        tests.append({"interval": "5m", "input_series": series_of_both, "alert_rule_test": alerts})
    run_promtool(tmp_path, manifest, tests)


def test_the_chart_has_both_with_the_names_of_the_release(tmp_path: Path) -> None:
    spec = project_spec({"service_monitor": True, "drift": True, "chart": True})
    folder = write(deploy_files(spec), tmp_path) / "deploy/chart"
    assert lint(folder) == []
    found = {one["kind"]: one for one in rendered(folder, release="first", namespace="space")}
    name = found["Service"]["metadata"]["name"]
    rules = found["PrometheusRule"]["spec"]["groups"][0]["rules"]
    assert f'drift_values_total{{namespace="space", job="{name}"}}' in rules[1]["expr"]
    alert = next(rule for rule in rules if rule.get("alert") == "InputDrift")
    assert "the field {{ $labels.field }} is" in alert["annotations"]["summary"]
    board = json.loads(found["ConfigMap"]["data"]["titanic-drift.json"])
    panels = {panel["title"]: panel for panel in board["panels"]}
    odd = panels['input: a "{{b}}" \\']["targets"][0]
    assert odd["legendFormat"] == "{{bin}}"
    assert odd["expr"].endswith('field="a \\"{{b}}\\" \\\\"}')
