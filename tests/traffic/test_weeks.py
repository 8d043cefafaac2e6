"""Thirty weeks of requests, half of which drift in a known way: what is found, and what is a false alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaffold
from scaffold.spec import DriftReport
from tests.traffic._passengers import DRIFTING, SAME, Week, baseline_of, write_project

TRAINING_ROWS = 2000
CONSEQUENCES = {"prediction", "probability"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("titanic"), baseline_of(1, TRAINING_ROWS))


def report_of(week: Week, seed: int, project: Path, folder: Path) -> DriftReport:
    log = folder / "week.jsonl"
    log.write_text("\n".join(week.lines(seed)) + "\n")
    return scaffold.drift(project, str(log))


@pytest.mark.parametrize(("seed", "week"), [*enumerate(DRIFTING)], ids=lambda one: getattr(one, "name", ""))
def test_a_week_that_drifts_is_found_by_its_field(
    seed: int, week: Week, project: Path, tmp_path: Path
) -> None:
    drifted = set(report_of(week, 100 + seed, project, tmp_path).drifted)
    assert week.drifts <= drifted
    assert drifted <= week.drifts | CONSEQUENCES


@pytest.mark.parametrize(("seed", "week"), [*enumerate(SAME)], ids=lambda one: getattr(one, "name", ""))
def test_a_week_like_the_training_is_no_alarm(seed: int, week: Week, project: Path, tmp_path: Path) -> None:
    assert report_of(week, 200 + seed, project, tmp_path).drifted == ()
