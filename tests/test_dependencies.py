"""Every import names a distribution that pyproject.toml declares where the import needs it."""

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.serving._environments import PACKAGES

tomllib = pytest.importorskip("tomllib", reason="tomllib is part of Python 3.11 and later")

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, EXTRAS, GROUPS = (
    PYPROJECT["project"],
    PYPROJECT["project"]["optional-dependencies"],
    PYPROJECT["dependency-groups"],
)
EXTRA_OF_ROOM = {"cluster": "kubernetes", "image": "image", "store": "store", "traffic": "drift"}
MODEL_LIBRARIES = {
    "catboost",
    "joblib",
    "keras",
    "lightgbm",
    "lz4",
    "mlflow",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "pillow",
    "polars",
    "pyarrow",
    "sentence-transformers",
    "skl2onnx",
    "skops",
    "spacy",
    "torch",
    "transformers",
    "xgboost-cpu",
}
"""Imported inside functions, where the model or the sample has loaded them."""

OWN = {"scaffold", "tests", "benchmarks", "examples"}
DISTRIBUTIONS = packages_distributions()
ELSEWHERE = (
    "tests/broken/",
    "tests/find/log_models.py",
    "tests/store/in_mlflow.py",
    "tests/find/serve_sftp.py",
    "tests/serving/in_",
    "tests/upgrade/edits/",
    "tests/upgrade/stories/",
    "tests/libraries/models/",
    "benchmarks/serving/peers/",
)
"""Files that run in another environment or never."""


def names(requirements: Iterable[str | dict[str, str]]) -> set[str]:
    """The distributions of a list in pyproject.toml, with those of the groups that it includes."""
    found: set[str] = set()
    for requirement in requirements:
        if isinstance(requirement, dict):
            found |= names(GROUPS[requirement["include-group"]])
        else:
            found.add(canonicalize_name(Requirement(requirement).name))
    return found


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Each distribution that a file imports, and whether the import runs when the file is imported."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        for top in {module.partition(".")[0] for module in modules} - OWN - sys.stdlib_module_names:
            if not (path.parent / f"{top}.py").exists():
                distributions = DISTRIBUTIONS.get(top, [top])
                yield canonicalize_name(distributions[0]), id(node) not in inside


def files(folder: str) -> list[Path]:
    return [
        path
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(ELSEWHERE)
        and "service" not in path.relative_to(ROOT).parts[2:3]
    ]


def undeclared(folder: str, declared: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(folder)
        for name, _ in imported(path)
        if name not in declared
    ]


BASE = names(PROJECT["dependencies"])
DEVELOPMENT = BASE.union(names(GROUPS["dev"]), *(names(EXTRAS[extra]) for extra in EXTRA_OF_ROOM.values()))


@pytest.mark.parametrize("room", sorted(path.name for path in (ROOT / "scaffold").iterdir() if path.is_dir()))
def test_a_room_imports_only_what_its_installation_brings(room: str) -> None:
    extra = EXTRA_OF_ROOM.get(room)
    declared = BASE | (names(EXTRAS[extra]) if extra else set())
    assert undeclared(f"scaffold/{room}", declared | MODEL_LIBRARIES) == []


def test_no_module_of_the_package_imports_a_model_library_when_it_is_imported() -> None:
    eager = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files("scaffold")
        for name, at_import in imported(path)
        if at_import and name in MODEL_LIBRARIES
    ]
    assert eager == []


def test_the_tests_import_only_what_the_development_environment_has() -> None:
    assert undeclared("tests", DEVELOPMENT) == []


def test_the_benchmarks_import_only_what_their_environments_have() -> None:
    lab = {canonicalize_name(name) for name in PACKAGES["lab"] if name[0] not in "-/"}
    assert undeclared("benchmarks", DEVELOPMENT | lab) == []


@pytest.mark.parametrize("example", ["iris", "titanic"])
def test_an_example_imports_only_what_its_requirements_name(example: str) -> None:
    requirements = (ROOT / "examples" / example / "requirements.txt").read_text().splitlines()
    declared = names(requirements) | {"numpy"}  # scikit-learn and pandas require it
    assert undeclared(f"examples/{example}", declared) == []
