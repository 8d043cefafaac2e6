"""Stories of owners with the proof on: each project answers as its owner wants after two updates.

The edits are those of `stories/`. They are merged into the project that the present templates write, as an
update would bring it there.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.layout import LOCK, PYPROJECT, RECORDED, REQUIREMENTS
from scaffold.base.other_tools import UV_LOCK
from scaffold.base.process import run_command
from scaffold.base.uv import uv_command, uv_environment
from scaffold.upgrade import Content, Prefer, read_record
from scaffold.upgrade._own import requirement_lines
from scaffold.upgrade._trees import merge_trees
from scaffold.verbs.update import update
from tests.upgrade._trees import encoded, patched, read_text, read_tree

FOLDER = Path(__file__).parent / "stories"
Train = Callable[..., tuple[Any, Any]]
TOKEN = {"Authorization": "let me in"}
STORIES = {
    "01-package-renamed-below-src": "src/titanic/main.py",
    "02-routes-in-a-router": "app/routes.py",
    "03-tokens-in-a-middleware": "app/main.py",
    "04-fields-in-snake-case": "app/schemas.py",
    "05-fields-behind-aliases": "app/schemas.py",
    "06-uv-in-place-of-requirements": "pyproject.toml",
    "09-crlf-everywhere": "app/main.py",
    "10-two-branches-merged": "app/score.py",
    "11-code-only-changes": "app/convert.py",
    "13-probabilities-in-the-answer": "app/convert.py",
    "15-schemas-and-scoring-in-packages": "app/domain/frames.py",
}
"""With a file that holds a line of the edit at the end."""


def live(root: Path, story: str) -> None:
    """Make the edit of a story in a project."""
    base = read_tree(FOLDER / "base")
    owner = patched(base, read_text(FOLDER / story / "edit.diff"))
    present: dict[str, Content] = {
        path: (root / path).read_bytes() for path in base if path != "model/model.pkl"
    }
    ancestor = {path: content for path, content in encoded(base).items() if path in present}
    held = {path: text for path, text in owner.items() if path in present}
    added = {path: text for path, text in owner.items() if path not in base}
    merged = merge_trees(ancestor, present, encoded(held), added_files=encoded(added), prefer=Prefer.OURS)
    for path, content in {
        **encoded(added),
        **{path: each.content for path, each in merged.files.items()},
    }.items():
        target = root / path
        if content is None:
            target.unlink(missing_ok=True)
        else:
            assert isinstance(content, bytes)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def move_serving(root: Path) -> None:
    """Move the rest of the package, and follow its new name: the story's base has no serving code."""
    for path in sorted((root / "app").rglob("*.py")):
        target = root / "src/titanic" / path.relative_to(root / "app")
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text().replace("from app", "from titanic").replace("import app", "import titanic")
        target.write_text(text)
    shutil.rmtree(root / "app")


def lock_with_uv(root: Path) -> None:
    """Lock in `uv.lock` what `requirements.in` of the project asked for; `requirements.txt` is gone."""
    (root / LOCK).unlink()
    generated = read_record(root)[1][REQUIREMENTS]
    assert isinstance(generated, bytes)
    expected = sorted(requirement_lines(generated.decode()).values())
    head = '[project]\nname = "titanic"\nversion = "1.0.0"\nrequires-python = ">=3.11"\n'
    (root / PYPROJECT).write_text(f"{head}dependencies = {expected}\n")
    (root / UV_LOCK).unlink()  # of the story: an excerpt
    run_command([uv_command(), "lock", "--quiet", "--project", str(root)], env=uv_environment())


def own_lines(story: str) -> set[str]:
    """The lines that the edit of a story added."""
    lines = read_text(FOLDER / story / "edit.diff").splitlines()
    return {line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")}


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_proven_over_two_updates(project: Path, train: Train, story: str) -> None:
    live(project, story)
    if story == "06-uv-in-place-of-requirements":
        lock_with_uv(project)
    if story == "01-package-renamed-below-src":
        move_serving(project)
    headers = TOKEN if story == "03-tokens-in-a-middleware" else None
    columns = "FamilySize" if story == "05-fields-behind-aliases" else "Parch"
    for dropped, strength in (("FamilySize", 0.01), (columns, 0.5)):
        model, sample = train(dropped, strength)
        done = update(project, model, sample, headers=headers, allow_breaking=True)
        assert not done.conflicts
        assert done.verification is not None
        assert done.verification.passed
        assert (project / LOCK).exists() != (story == "06-uv-in-place-of-requirements")
    place = project / STORIES[story]
    assert own_lines(story) & {line.strip() for line in read_text(place).splitlines()}
    recorded = json.loads((project / RECORDED).read_text())
    assert len(recorded["requests"]) == len(sample)
    assert update(project, headers=headers).is_empty
