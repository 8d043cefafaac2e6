"""A package brings a source by an entry point: the example of docs/sources.md is installed and used."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest

import scaffold
from scaffold.base.process import run_command
from scaffold.base.uv import uv_command
from scaffold.errors import ModelNotFetchedError
from scaffold.find import _added, find_model, find_newer

DOCUMENT = Path(__file__).parents[2] / "docs" / "sources.md"


def install(folder: Path, module: str, project: str) -> Path:
    """Build and install a package into a folder of its own; return that folder."""
    package = folder / "package"
    package.mkdir()
    (package / "scaffold_shelf.py").write_text(module)
    (package / "pyproject.toml").write_text(project)
    target = folder / "installed"
    run_command([uv_command(), "pip", "install", "--quiet", "--target", str(target), str(package)])
    return target


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = DOCUMENT.read_text()
    code, toml = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)[-1] for kind in ("python", "toml"))
    assert len([line for line in code.splitlines() if line.strip()]) <= 32
    monkeypatch.syspath_prepend(str(install(tmp_path, code, toml)))
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setenv("SHELF", str(models))
    (models / "magnitude-1.pkl").write_bytes(pickle.dumps(abs))
    (models / "magnitude-1.json").write_text(json.dumps([-1.0, 2.0]))
    _added._loaded.cache_clear()
    return models


def test_the_documented_source_is_installed_used_and_followed(shelf: Path, tmp_path: Path) -> None:
    project = scaffold.new("shelf://magnitude", target=tmp_path / "service", verify=False)
    origin = project.spec.origin
    assert origin is not None
    assert origin.version == "1"
    assert "shelf://magnitude, version 1" in (tmp_path / "service/model/README.md").read_text()
    assert find_newer(origin) is None
    (shelf / "magnitude-2.pkl").write_bytes(pickle.dumps(round))
    assert find_newer(origin).origin.version == "2"
    with pytest.raises(ModelNotFetchedError, match="has no gone"):
        find_model("shelf://gone")


@pytest.mark.parametrize(
    ("module", "cause"),
    [("1 / 0", "does not load .ZeroDivisionError"), ("ShelfSource = dict", "is no scaffold.find.Source")],
)
def test_a_package_that_brings_no_source_is_named(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, cause: str
) -> None:
    (tmp_path / "installed/scaffold_shelf.py").write_text(module)
    monkeypatch.delitem(__import__("sys").modules, "scaffold_shelf", raising=False)
    with pytest.raises(ModelNotFetchedError, match=cause):
        find_model("shelf://magnitude")
