"""Owners who keep their requirements in `pyproject.toml`, and their lock in that of another tool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.errors import OtherLockError
from scaffold.events import Event, Noted
from scaffold.upgrade._pyproject import unwritten_requirements
from scaffold.verbs.update import update

Train = Callable[..., tuple[Any, Any]]
PEP_621 = """
[project]
name = "titanic"
dependencies = ["scikit-learn>=1.5", "numpy == 2.4.6", 'pandas[performance]>=2,<9; python_version > "3.9"']
"""
POETRY = """
[tool.poetry.dependencies]
python = "^3.11"
scikit_learn = "^1.5"
numpy = {version = "*"}
pandas = "*"
"""


@pytest.mark.parametrize("text", [PEP_621, POETRY])
def test_a_requirement_that_pyproject_asks_for_is_written(tmp_path: Path, text: str) -> None:
    wanted = ["scikit-learn==1.9.1", "numpy==2.4.6", "pandas==3.0.1"]
    assert unwritten_requirements(tmp_path, text, wanted) == ""
    (tmp_path / "uv.lock").touch()
    told = unwritten_requirements(tmp_path, text, [*wanted, "xgboost==3.1.0"])
    assert told.endswith("does not ask for 'xgboost==3.1.0'. Add them:  uv add 'xgboost==3.1.0'")


def test_a_version_that_pyproject_excludes_and_a_missing_tool_are_told(tmp_path: Path) -> None:
    told = unwritten_requirements(tmp_path, PEP_621, ["numpy==2.5.0", "pandas==3.0.1"])
    assert "does not ask for 'numpy==2.5.0'. Expected are requirements.in, or these lines there." in told


def test_a_project_without_requirements_is_told_what_is_written_nowhere(project: Path, train: Train) -> None:
    for name in ("requirements.in", "requirements.txt"):
        (project / name).unlink()
    (project / "pyproject.toml").write_text('[project]\nname = "titanic"\ndependencies = ["fastapi"]\n')
    (project / "uv.lock").touch()
    events: list[Event] = []
    model, sample = train("FamilySize", 0.5)
    found = update(project, model, sample, require=["iniconfig"], dry_run=True, on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert any("does not ask for" in note and "'iniconfig==" in note for note in notes), notes
    assert found.files["requirements.in"] == "kept deleted"
    with pytest.raises(OtherLockError, match=r"uv export --frozen .* -o requirements\.txt"):
        scaffold.verify(project)
    with pytest.raises(OtherLockError):
        update(project, model, sample)
