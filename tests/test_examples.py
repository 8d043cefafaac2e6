"""The checked-in examples are what `new` writes, and pass every check."""

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
from examples.regenerate import write_without_measurements

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ["iris", "titanic"]


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
    """An example's name, and a folder with what `new` writes today: as it is, and without measurements."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    model = EXAMPLES / name / "service/model/model.pkl"
    with model.open("rb") as file:
        output = [row["prediction"] for row in recorded(name)["answers"]]
        predicted = pickle.load(file).predict(sample_of(name))
    assert predicted.tolist() == output
    project = scaffold.new(
        model, sample_of(name), predicted, folder / "new", name=f"{name}-service", verify=False
    )
    # Only a running service gives its openapi.json: the checked-in one is taken.
    write_without_measurements(project.record, EXAMPLES / name / "service/openapi.json", folder / "service")
    return name, folder


def test_the_checked_in_service_is_what_new_writes_today(written: tuple[str, Path]) -> None:
    name, folder = written
    today, kept = files_of(folder / "service"), files_of(EXAMPLES / name / "service")
    assert set(today) == set(kept)
    for path in sorted(today):
        assert today[path] == kept[path], f"{path} differs: make examples"


def test_rendering_twice_gives_the_same_bytes(written: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = written
    again = tmp_path / "service"
    with (EXAMPLES / name / "service/model/model.pkl").open("rb") as file:
        predicted = pickle.load(file).predict(sample_of(name))
    model = EXAMPLES / name / "service/model/model.pkl"
    scaffold.new(model, sample_of(name), predicted, again, name=f"{name}-service", verify=False)
    assert files_of(folder / "new") == files_of(again)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_generated_is_formatted_linted_and_strictly_typed(name: str) -> None:
    service = EXAMPLES / name / "service"
    bin_ = Path(sys.executable).parent
    subprocess.run([bin_ / "ruff", "check", "--no-cache", "."], cwd=service, check=True)
    subprocess.run([bin_ / "ruff", "format", "--no-cache", "--check", "."], cwd=service, check=True)
    subprocess.run([bin_ / "mypy", "--strict", "app"], cwd=service, check=True)


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


@pytest.mark.parametrize("name", NAMES)
def test_a_checked_in_example_holds_text_and_its_model_and_no_measurement(name: str) -> None:
    service = EXAMPLES / name / "service"
    for path in (path for path in service.rglob("*") if path.is_file() and path.name != "model.pkl"):
        assert b"\0" not in path.read_bytes() or "__pycache__" in path.parts, path
    record = json.loads((service / ".scaffold/record.json").read_text())
    assert (record["proof"], record["spec"]["artifact"].get("written", "")) == (None, "")
    manifest = (service / "deploy/base/deployment.yaml").read_text()
    assert manifest.count("Placeholder, not measured") == 4
