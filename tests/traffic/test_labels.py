"""Labels that arrive later: metrics over time, beside those of the training."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, mean_absolute_error, roc_auc_score, root_mean_squared_error

import scaffold
from scaffold.errors import (
    LabelColumnError,
    LabelsNotJoinedError,
    NoRowsToLabelError,
    NoTrafficError,
    ScaffoldError,
    TrafficUnreadableError,
    UnknownTrafficError,
)
from scaffold.spec import DriftReport, DriftVerdict, MetricDrift
from scaffold.traffic import _estimates
from tests.traffic._passengers import FIRST_DAY, SAME, baseline_of, write_project

WEEKS = 6


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose card has two metrics of the training."""
    root = write_project(tmp_path / "titanic", baseline_of(1, 2000))
    metrics = {"training_accuracy_score": 0.95, "test_accuracy": 0.8, "roc_auc": 0.86, "loss": "n/a"}
    (root / "model/card.json").write_text(json.dumps({"metrics": metrics}))
    return root


@pytest.fixture
def lines() -> list[str]:
    return [
        line
        for number in range(WEEKS)
        for line in SAME[9].lines(40 + number, FIRST_DAY + timedelta(days=7 * number))
    ]


def labelled(lines: list[str], path: Path, noise: float = 0.0) -> Path:
    """Write labels that follow the answers' probabilities, a share of them at random."""
    rng = np.random.default_rng(3)
    rows = ["id,label"]
    for line in map(json.loads, lines):
        chance = 0.5 if rng.random() < noise else line["output"]["probability"]
        rows.append(f"{line['id']},{int(rng.random() < chance)}")
    path.write_text("\n".join(rows) + "\n")
    return path


def report_of(project: Path, lines: list[str], labels: Path) -> DriftReport:
    log = labels.parent / "logs.jsonl"
    log.write_text("\n".join(lines))
    return scaffold.drift(project, str(log), labels=labels)


def metrics_of(report: DriftReport) -> dict[str, MetricDrift]:
    return {metric.name: metric for metric in report.metrics}


def test_metrics_are_those_of_scikit_learn_and_compared_with_held_out_ones(
    project: Path, lines: list[str], tmp_path: Path
) -> None:
    labels = labelled(lines, tmp_path / "labels.csv")
    report = report_of(project, lines, labels)
    true = [int(line.rpartition(",")[2]) for line in labels.read_text().splitlines()[1:]]
    answers = [json.loads(line)["output"] for line in lines]
    classes, chances = ([one[name] for one in answers] for name in ("prediction", "probability"))
    metrics = metrics_of(report)
    assert metrics["accuracy"].now.value == pytest.approx(np.mean(np.array(true) == np.array(classes)))
    assert metrics["F1"].now.value == pytest.approx(f1_score(true, classes))
    assert metrics["AUC"].now.value == pytest.approx(roc_auc_score(true, chances))
    assert (metrics["accuracy"].recorded_as, metrics["accuracy"].then) == ("test_accuracy", 0.8)
    assert [metric.verdict.value for metric in report.metrics] == ["stable", "not compared", "stable"]
    assert [period.start for period in metrics["AUC"].periods] == [
        (FIRST_DAY + timedelta(days=7 * number)).date().isoformat() for number in range(WEEKS)
    ]
    assert sum(period.rows for period in metrics["AUC"].periods) == report.rows == 600 * WEEKS
    assert report.notes == ("no metric of the training is recorded as F1",)


def test_a_model_that_is_right_less_often_drifts_though_its_requests_do_not(
    project: Path, lines: list[str], tmp_path: Path
) -> None:
    report = report_of(project, lines, labelled(lines, tmp_path / "labels.csv", noise=0.5))
    assert report.drifted == ("accuracy", "AUC")
    assert report.verdict is DriftVerdict.DRIFT


def test_rows_without_a_label_are_left_out(project: Path, lines: list[str], tmp_path: Path) -> None:
    labels = labelled(lines, tmp_path / "labels.csv")
    some = labels.read_text().splitlines()[:51]
    labels.write_text("\n".join([*some, f"{json.loads(lines[60])['id']},", "other,1"]))
    report = report_of(project, lines, labels)
    assert [metric.now.rows for metric in report.metrics] == [50, 50, 50]
    assert {metric.verdict for metric in report.metrics} == {DriftVerdict.TOO_FEW}


def test_a_regression_gets_its_errors(tmp_path: Path) -> None:
    root = tmp_path / "fares"
    (root / "model").mkdir(parents=True)
    number = {"missing": 0.0, "min": 0, "max": 100, "edges": [50], "shares": [0.5, 0.5], "kind": "number"}
    baseline = {"format": 1, "rows": 500, "made_from": "the sample", "fields": [{"name": "a", **number}]}
    (root / "model/baseline.json").write_text(
        json.dumps({**baseline, "predictions": [{"name": "prediction", **number}]})
    )
    (root / "model/card.json").write_text(json.dumps({"metrics": {"val_rmse": 2.0, "mae": 8.1}}))
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 100, 400)
    true = predicted + rng.normal(0, 10, 400)
    table = [f"{i},{p},{p}" for i, p in enumerate(predicted)]
    (tmp_path / "table.csv").write_text("\n".join(["row,a,prediction", *table]))
    (tmp_path / "labels.csv").write_text("\n".join(["row,fare", *(f"{i},{t}" for i, t in enumerate(true))]))
    table_path, labels = str(tmp_path / "table.csv"), tmp_path / "labels.csv"
    metrics = metrics_of(scaffold.drift(root, table_path, labels=labels, key="row"))
    assert metrics["MAE"].now.value == pytest.approx(mean_absolute_error(true, predicted))
    assert metrics["RMSE"].now.value == pytest.approx(root_mean_squared_error(true, predicted))
    assert (metrics["MAE"].verdict, metrics["RMSE"].verdict) == (DriftVerdict.STABLE, DriftVerdict.DRIFT)
    assert metrics["MAE"].periods == ()  # the table has no times
    labels.write_text("row,fare\n0,cheap\n")
    with pytest.raises(TrafficUnreadableError, match=r"labels.csv cannot be compared: could not convert"):
        scaffold.drift(root, table_path, labels=labels, key="row")


def test_classes_of_any_names_get_accuracy_and_the_mean_f1() -> None:
    true, predicted = ["a", "b", "c", "a", "b"] * 20, ["a", "b", "a", "c", "b"] * 20
    pairs = list(zip(true, predicted, strict=True))
    assert _estimates.f1(pairs).value == pytest.approx(f1_score(true, predicted, average="macro"))
    assert _estimates.accuracy(pairs).value == 0.6


@pytest.mark.parametrize(
    "metric", ["accuracy", "f1", "auc", "mean_absolute_error", "root_mean_squared_error"]
)
def test_an_interval_has_the_true_value_in_99_of_100_cases(metric: str) -> None:
    rng = np.random.default_rng(5)

    def sample(count: int) -> list[tuple[object, object]]:
        chance = rng.beta(2, 2, count)
        true = rng.random(count) < chance
        if metric in ("accuracy", "f1"):
            return [(str(int(a)), str(int(b))) for a, b in zip(true, chance > 0.5, strict=True)]
        if metric == "auc":
            return [(bool(a), float(b)) for a, b in zip(true, chance, strict=True)]
        values = chance * 10 + rng.normal(0, 2, count)
        return [(float(a), float(b)) for a, b in zip(values, chance * 10, strict=True)]

    estimate = getattr(_estimates, metric)
    truth = estimate(sample(100_000)).value
    intervals = [estimate(sample(300)) for _ in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in intervals]) > 0.97


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("key,label\n1,1\n", LabelColumnError, "its columns: key, label"),
        ("id,a,b\n1,1,1\n", LabelColumnError, "one named 'label'"),
        ("id,label\nother,1\n", LabelsNotJoinedError, "no label has the value of a row"),
        ("id,label\n1,0\n1,1\n", TrafficUnreadableError, "row 3 .*another label for id 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    text: str, error: type[ScaffoldError], message: str, project: Path, lines: list[str], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    with pytest.raises(error, match=message):
        report_of(project, lines, labels)


def test_labels_need_rows_with_the_key(project: Path, lines: list[str], tmp_path: Path) -> None:
    labels = labelled(lines, tmp_path / "labels.csv")
    without = [json.dumps({**json.loads(line), "id": None}) for line in lines]
    with pytest.raises(LabelsNotJoinedError, match="no row of the traffic has it"):
        report_of(project, without, labels)
    with pytest.raises(NoTrafficError):
        report_of(project, [], labels)
    with pytest.raises(LabelsNotJoinedError, match="several rows have '40-0'"):
        report_of(project, [*lines, lines[0]], labels)
    with pytest.raises(NoRowsToLabelError, match="has counts and no rows"):
        scaffold.drift(project, "prometheus:http://localhost:9", labels=labels)
    with pytest.raises(UnknownTrafficError):
        report_of(project, lines, tmp_path / "labels.xlsx")


def test_labels_without_an_id_are_left_out_and_one_label_may_stand_twice(
    project: Path, lines: list[str], tmp_path: Path
) -> None:
    labels = labelled(lines, tmp_path / "labels.csv")
    expected = report_of(project, lines, labels)
    rows = labels.read_text().splitlines()
    labels.write_text("\n".join([*rows, rows[1], ",0", ",1"]) + "\n")
    assert report_of(project, lines, labels).metrics == expected.metrics


def test_numbers_are_one_id_with_and_without_a_fraction(
    project: Path, lines: list[str], tmp_path: Path
) -> None:
    numbered = [json.dumps({**json.loads(line), "id": number}) for number, line in enumerate(lines)]
    labels = labelled(numbered, tmp_path / "labels.csv")
    expected = report_of(project, numbered, labels)
    table = pd.read_csv(labels).astype({"id": float})
    table.loc[len(table)] = [np.nan, 1]
    table.to_parquet(tmp_path / "labels.parquet")
    assert report_of(project, numbered, tmp_path / "labels.parquet").metrics == expected.metrics
