"""The checked-in examples: they are what `new` writes today, and they are as good as we say."""

import ast
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scaffold
from scaffold.render import filled_manifests
from scaffold.upgrade import read_record

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ["iris", "titanic"]
# What tells when, and how quick the machine was, that wrote it.
NOT_COMPARED = {".scaffold/record.json", ".scaffold/pristine.tar.xz", "model/README.md"}


def sample_of(name: str) -> object:
    if name == "titanic":
        return pd.read_csv(EXAMPLES / "titanic/titanic.csv").drop(columns="Survived").head(100)
    return np.array([request_values(row) for row in recorded(name)["requests"]])


def request_values(row: dict[str, float]) -> list[float]:
    return list(row.values())


def recorded(name: str) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = json.loads(
        (EXAMPLES / name / "service/tests/recorded.json").read_text()
    )
    return found


def files_of(root: Path) -> dict[str, str]:
    skipped = {".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    return {
        path.relative_to(root).as_posix(): path.read_text(errors="replace")
        for path in sorted(root.rglob("*"))
        if path.is_file() and not skipped & set(path.parts)
    }


@pytest.fixture(scope="module", params=NAMES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An example's name, and what `new` writes today from its model and its sample."""
    name = request.param
    target = tmp_path_factory.mktemp(name) / "service"
    model = EXAMPLES / name / "service/model/model.pkl"
    with model.open("rb") as file:
        output = [row["prediction"] for row in recorded(name)["answers"]]
        predicted = pickle.load(file).predict(sample_of(name))
    assert predicted.tolist() == output
    scaffold.new(model, sample_of(name), predicted, target, name=f"{name}-service", verify=False)
    return name, target


def test_the_checked_in_service_is_what_new_writes_today(written: tuple[str, Path]) -> None:
    name, target = written
    record, _ = read_record(EXAMPLES / name / "service")
    assert record.verification is not None
    assert record.verification.measurements is not None
    for path, content in filled_manifests(record.spec, record.verification.measurements).items():
        (target / path).write_bytes(content)
    today, kept = files_of(target), files_of(EXAMPLES / name / "service")
    assert set(today) == set(kept) - {"openapi.json"}
    for path in sorted(set(today) - NOT_COMPARED):
        assert today[path] == kept[path], f"{path} differs: make examples"


def test_rendering_twice_gives_the_same_bytes(written: tuple[str, Path], tmp_path: Path) -> None:
    name, target = written
    again = tmp_path / "service"
    with (EXAMPLES / name / "service/model/model.pkl").open("rb") as file:
        predicted = pickle.load(file).predict(sample_of(name))
    model = EXAMPLES / name / "service/model/model.pkl"
    scaffold.new(model, sample_of(name), predicted, again, name=f"{name}-service", verify=False)
    one, two = files_of(target), files_of(again)
    manifests = {path for path in one if path.startswith("deploy/")}
    assert {path: text for path, text in one.items() if path not in manifests} == {
        path: text for path, text in two.items() if path not in manifests
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_generated_is_formatted_linted_and_strictly_typed(name: str, tmp_path: Path) -> None:
    service = EXAMPLES / name / "service"
    bin_ = Path(sys.executable).parent
    subprocess.run([bin_ / "ruff", "check", "--no-cache", "."], cwd=service, check=True)
    subprocess.run([bin_ / "ruff", "format", "--no-cache", "--check", "."], cwd=service, check=True)
    subprocess.run([bin_ / "mypy", "--strict", "--cache-dir", tmp_path, "app"], cwd=service, check=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_generated_project_passes_its_own_tests(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(command, cwd=EXAMPLES / name / "service", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_generated_imports_anything_of_ours(name: str) -> None:
    for path in (EXAMPLES / name / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(module.split(".")[0] == "scaffold" for module in modules), path


@pytest.mark.parametrize("name", NAMES)
def test_no_path_of_the_machine_that_wrote_it_is_in_a_project(name: str) -> None:
    for path, text in files_of(EXAMPLES / name / "service").items():
        assert str(EXAMPLES.parent) not in text, path
        assert "/tmp/" not in text.replace("HOME=/tmp", ""), path
