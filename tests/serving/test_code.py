"""The generated code: linters, type checkers, and the parts that need no running service."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.serving._load import load


@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=["lint", "format", "types"]
)
def test_linters_and_type_checkers_pass(project: Path, tool: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-m", *tool, "app"], cwd=project, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_service_is_as_short_as_the_readme_says() -> None:
    root = Path(__file__).parents[2]
    app = root / "examples" / "titanic" / "service" / "app"
    owned, serving = (
        sum(len(path.read_text().splitlines()) for path in folder.glob("*.py"))
        for folder in (app, app / "serving")
    )
    numbers = r"about (\d+) lines of ordinary FastAPI; `app/serving/` has about ([\d,]+)"
    said = re.search(numbers, (root / "README.md").read_text())
    assert said
    assert owned <= 180
    for found, number in zip((owned, serving), said.groups(), strict=True):
        assert found == pytest.approx(int(number.replace(",", "")), rel=0.05)


@pytest.fixture
def threads(project: Path) -> ModuleType:
    return load(project / "app" / "serving" / "cpu.py")


@pytest.mark.parametrize(("quota", "cpus"), [("50000 100000", 0.5), ("max 100000", None), ("rubbish", None)])
def test_a_quota_of_cgroup_2_counts(
    threads: ModuleType, tmp_path: Path, quota: str, cpus: float | None
) -> None:
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert threads.available_cpus(tmp_path) == (cpus or threads.available_cpus(tmp_path / "none"))


@pytest.mark.parametrize(("quota", "cpus"), [("50000", 0.5), ("-1", None)])
def test_a_quota_of_cgroup_1_counts(
    threads: ModuleType, tmp_path: Path, quota: str, cpus: float | None
) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert threads.available_cpus(tmp_path) == (cpus or threads.available_cpus(tmp_path / "none"))


@pytest.mark.parametrize(
    ("name", "value", "count"), [("WORKERS", "2", 2), ("workers", "3", 3), ("workers", "", 1)]
)
def test_workers_are_counted_as_the_settings_do(
    threads: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, value: str, count: int
) -> None:
    monkeypatch.setenv(name, value)
    assert threads.worker_count() == count


def test_threads_that_are_set_stay_as_they_are(threads: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    threads.limit_threads()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert int(os.environ["OPENBLAS_NUM_THREADS"]) >= 1
