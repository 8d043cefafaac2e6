"""The story of the README: generate, edit, retrain, diff, update; and what can go wrong."""

import json
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from typer.testing import CliRunner

import scaffold
from scaffold import __version__
from scaffold.base.code import code_sha256
from scaffold.base.templates import template_path
from scaffold.cli._app import app
from scaffold.errors import (
    AnswersDifferError,
    BreakingChangeError,
    DirtyTreeError,
    LockFailedError,
    MergeConflictError,
    UnusedSampleError,
    UpgradeError,
    UsageError,
)
from scaffold.events import Event, Noted
from scaffold.upgrade import Prefer
from scaffold.verbs.project import Project
from scaffold.verbs.undo import undo
from scaffold.verbs.update import update
from scaffold.verbs.update_result import Update
from tests.upgrade._edits import edit

Train = Callable[..., tuple[Any, Any]]
BringUp = Callable[..., Update]

ROUTE = '''@app.get("/owner")
async def owner() -> dict[str, str]:
    """Who to call."""
    return {"team": "passengers"}


'''
VALIDATOR = '''
    @field_validator("Sex")
    @classmethod
    def lower(cls, value: str) -> str:
        """Upper case comes from the old booking system."""
        return value.lower()
'''


def edit_four_files(root: Path) -> None:
    """Edit a project: a validator, a renamed field and its use, a log line, a route, a base image."""
    edit(
        root,
        "app/schemas.py",
        ("import BaseModel, ConfigDict, Field", "import BaseModel, ConfigDict, Field, field_validator"),
        ("    Pclass: Int64 = Field(", '    travel_class: Int64 = Field(alias="Pclass", '),
        ("\n\n\nclass ModelOutput", f"\n{VALIDATOR}\n\nclass ModelOutput"),
    )
    edit(root, "app/convert.py", ("record.Pclass ", "record.travel_class "))
    edit(
        root,
        "app/score.py",
        ("import pickle\n", "import logging\nimport pickle\n"),
        (
            "    return from_model(predictions)\n",
            '    log.info("scored %d", len(records))\n    return from_model(predictions)\n',
        ),
        ("_model: Any = None\n", '_model: Any = None\nlog = logging.getLogger("app.score")\n'),
    )
    edit(root, "app/main.py", ('@app.post("/score/batch"', f'{ROUTE}@app.post("/score/batch"'))


def snapshot(root: Path) -> dict[str, bytes]:
    skipped = {".scaffold", ".git", "__pycache__"}
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not skipped.intersection(path.parts)
    }


@pytest.fixture(scope="session")
def bring_up(train: Train) -> Callable[..., Update]:
    """Update a project to a model of all columns but one."""

    def bring(root: Path, dropped: str = "Parch", strength: float = 1.0, **options: Any) -> Update:
        model, sample = train(dropped, strength)
        return update(root, model, sample, **options)

    return bring


@pytest.mark.slow
def test_the_story_of_the_readme(project: Path, bring_up: BringUp) -> None:
    edit_four_files(project)
    before = snapshot(project)
    with pytest.raises(BreakingChangeError) as refused:
        bring_up(project)
    assert refused.value.changes == (
        "input Parch: no longer taken: a request that holds it is refused (integer -> none)",
        "input FamilySize: newly required (none -> integer)",
    )
    assert bring_up(project, dry_run=True).report.new_version == "2.0.0"
    assert snapshot(project) == before

    done = bring_up(project, allow_breaking=True)
    assert done.applied
    assert done.verification is not None
    assert done.verification.passed
    assert done.verification.code_sha256 == code_sha256(project)
    assert "with your app/score.py, app/schemas.py and app/main.py it answers as the model does" in done.notes
    schemas, convert = ((project / path).read_text() for path in ("app/schemas.py", "app/convert.py"))
    assert VALIDATOR in schemas
    assert 'travel_class: Int64 = Field(alias="Pclass", ' in schemas
    assert "FamilySize: Int64" in schemas
    assert '"Pclass": np.array([record.travel_class for record in records]' in convert
    assert '"FamilySize": np.array([record.FamilySize for record in records]' in convert
    assert "Parch" not in schemas + convert
    assert ROUTE in (project / "app/main.py").read_text()
    assert 'log.info("scored %d", len(records))' in (project / "app/score.py").read_text()
    assert "/owner" in json.loads((project / "openapi.json").read_text())["paths"]
    assert "## 2.0.0\n\nAnother model: sha256 " in (project / "CHANGELOG.md").read_text()
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(tests, cwd=project, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    after = snapshot(project)
    again = bring_up(project)
    assert again.is_empty
    assert snapshot(project) == after
    undo(project)
    assert snapshot(project) == before


@pytest.mark.slow
def test_predictions_that_the_owners_code_changes_are_reported_and_recorded(
    project: Path, bring_up: BringUp, train: Train
) -> None:
    edit(
        project,
        "app/score.py",
        ("    predictions = _model.predict(inputs)\n", "    predictions = 1 - _model.predict(inputs)\n"),
    )
    done = bring_up(project, dropped="FamilySize", strength=0.01)
    [note] = [note for note in done.notes if note.startswith("with your")]
    assert "with your app/score.py it answers 20 of 20 requests otherwise than the model" in note
    model, sample = train("FamilySize", 0.01)
    recorded = json.loads((project / "tests/recorded.json").read_text())
    assert [answer["prediction"] for answer in recorded["answers"]] == list(1 - model.predict(sample))
    after = snapshot(project)
    assert bring_up(project, dropped="FamilySize", strength=0.01).is_empty
    assert snapshot(project) == after


@pytest.mark.slow
def test_a_conflict_is_marked_listed_and_not_updated_over(project: Path, train: Train) -> None:
    edit(project, "app/schemas.py", ("    Pclass: Int64 = ", "    Pclass: str = "))
    inputs = train("FamilySize")[1]
    model, sample = train("FamilySize", 0.5)
    sample = sample.astype({"Pclass": "float64"})
    with pytest.raises(MergeConflictError) as stopped:
        update(project, model, sample, allow_breaking=True)
    [(path, detail)] = stopped.value.conflicts
    line = int(detail.removeprefix("line "))
    lines = (project / path).read_text().splitlines()
    assert path == "app/schemas.py"
    assert lines[line - 1] == "<<<<<<< yours"
    assert lines[line].startswith("    Pclass: str = ")
    marked = snapshot(project)
    with pytest.raises(MergeConflictError):
        update(project, model, inputs)
    assert snapshot(project) == marked


@pytest.mark.parametrize(
    ("way", "type"),
    [
        ({"prefer": Prefer.OURS}, "str"),
        ({"prefer": Prefer.THEIRS}, "float"),
        ({"tool": "cp {theirs} {merged}"}, "float"),
    ],
    ids=["ours", "theirs", "a tool"],
)
def test_a_preferred_side_or_a_tool_resolves_every_conflict(
    project: Path, way: dict[str, Any], type: str, train: Train
) -> None:
    edit(project, "app/schemas.py", ("    Pclass: Int64 = ", "    Pclass: str = "))
    model, sample = train("FamilySize", 0.5)
    sample = sample.astype({"Pclass": "float64"})
    update(project, model, sample, **way, allow_breaking=True, verify=False)
    assert f"    Pclass: {type} = " in (project / "app/schemas.py").read_text()


def test_an_update_may_change_only_answers(project: Path) -> None:
    done = update(project, answers={"targets": ["production"]}, verify=False)
    assert done.applied
    removed = {path for path, word in done.files.items() if word == "removed"}
    assert removed == {"deploy/staging/kustomization.yaml", "deploy/staging/namespace.yaml"}
    assert not (project / "deploy/staging").exists()
    assert update(project).is_empty
    recorded = Project.open(project).verification
    assert recorded is not None
    assert [check.detail for check in recorded.checks] == ["the last update was not proven"]


def test_a_sample_without_a_model_is_refused_and_the_message_has_the_command(
    project: Path, train: Train, tmp_path: Path
) -> None:
    sample, before = train("FamilySize")[1], snapshot(project)
    for inputs in ((None, sample), (None, None, [1])):
        with pytest.raises(UnusedSampleError) as caught:
            update(project, *inputs, verify=False)
    with pytest.raises(UnusedSampleError):
        update(project, input=sample, answers={"replicas": 3}, verify=False)
    assert snapshot(project) == before
    sample.to_pickle(path := tmp_path / "sample.pkl")
    command = shlex.split(str(caught.value).splitlines()[-1])[1:]
    command = [str(path) if word == "sample.pkl" else word for word in command]
    result = CliRunner().invoke(app, [*command, "--dry-run"], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_what_the_owner_adds_to_the_requirements_is_locked_marked_and_kept(
    project: Path, bring_up: BringUp
) -> None:
    with (project / "requirements.in").open("a") as file:
        file.write("iniconfig>=2  # ours\n")
    done = update(project, verify=False)
    [change] = done.report.requirements
    assert (change.what, change.old, change.breaking) == ("requirement iniconfig", "none", False)
    assert change.reason == "yours: requirements.in asks for it"
    before, after = ((project / "requirements.txt").read_text() for _ in range(2))
    assert "\n# Yours in it: iniconfig>=2\n" in after
    assert re.search(r"(?m)^iniconfig==2\S+ \\\n    --hash=sha256:", after)
    assert update(project).is_empty
    bring_up(project, dropped="FamilySize", strength=0.5, verify=False)
    assert (project / "requirements.txt").read_text() == before
    edit(project, "requirements.in", ("iniconfig>=2  # ours\n", ""))
    with (project / "requirements.in").open("a") as file:
        file.write("toml==0.0.0.1\n")
    with pytest.raises(LockFailedError, match=r"toml==0\.0\.0\.1"):
        update(project, verify=False)
    assert (project / "requirements.txt").read_text() == before


def test_a_lost_archive_of_pristine_files_is_reported_or_restored(project: Path) -> None:
    pristine = project / ".scaffold/pristine.tar.xz"
    packed = pristine.read_bytes()
    edit(project, "app/main.py", ('"""The score service. ', '"""Our score service. '))
    pristine.unlink()
    assert update(project).is_empty
    assert pristine.read_bytes() == packed

    pristine.unlink()
    record = project / ".scaffold/record.json"
    record.write_text(record.read_text().replace(f'"{__version__}"', '"0.0.9"'))
    events: list[Event] = []
    found = update(project, dry_run=True, on_event=events.append)
    [note] = [event.text for event in events if isinstance(event, Noted)]
    assert "pristine.tar.xz is lost, so app/main.py cannot be merged, only compared" in note
    assert note.endswith(f"uvx --from model-scaffold==0.0.9 scaffold update {project}")
    assert set(found.conflicts) <= {"app/main.py"}


@pytest.mark.slow
def test_answers_that_are_accepted_are_the_recorded_ones(project: Path) -> None:
    edit(
        project,
        "app/score.py",
        ("    predictions = _model.predict(inputs)\n", "    predictions = 1 - _model.predict(inputs)\n"),
    )
    before = json.loads((project / "tests/recorded.json").read_text())
    with pytest.raises(AnswersDifferError):
        scaffold.verify(project)
    events: list[Event] = []
    scaffold.verify(project, accept=True, on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Noted)]
    assert any(note.startswith("20 of 20 answers are others than those recorded") for note in notes)
    after = json.loads((project / "tests/recorded.json").read_text())
    assert after["requests"] == before["requests"]
    assert [answer["prediction"] for answer in after["answers"]] == [
        1 - answer["prediction"] for answer in before["answers"]
    ]
    assert update(project).is_empty
    undo(project)
    assert json.loads((project / "tests/recorded.json").read_text()) == before


def test_an_update_of_nothing_changes_nothing(project: Path) -> None:
    before = {**snapshot(project), "record": (project / ".scaffold/record.json").read_bytes()}
    assert update(project).is_empty
    assert {**snapshot(project), "record": (project / ".scaffold/record.json").read_bytes()} == before


@pytest.mark.slow
def test_a_proof_that_fails_leaves_the_project_as_it_was(project: Path, bring_up: BringUp) -> None:
    edit(
        project, "app/main.py", ("from app import score\n", "import no_such_module\nfrom app import score\n")
    )
    before = snapshot(project)
    with pytest.raises(Exception, match="no_such_module"):
        bring_up(project, allow_breaking=True)
    assert snapshot(project) == before
    assert not (project / ".scaffold/undo").exists()


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_uncommitted_changes_stop_an_update_without_dirty(project: Path) -> None:
    author = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    edit(project, "app/main.py", ('"""The score service. ', '"""Our score service. '))
    with pytest.raises(DirtyTreeError, match=r"app/main\.py"):
        update(project, answers={"targets": ["production"]}, verify=False)
    assert update(project, answers={"targets": ["production"]}, verify=False, dirty=True).applied
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    staged = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=project, capture_output=True, text=True, check=True
    )
    assert "undo" not in staged.stdout


def test_a_model_without_a_sample_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match="comes with a sample"):
        update(project, "model.pkl")


def test_a_project_with_a_replaced_model_file_asks_for_the_model(project: Path) -> None:
    (project / "model/model.pkl").write_bytes(b"another")
    with pytest.raises(UpgradeError, match="does not hold the model that it was made from"):
        update(project, answers={"targets": ["production"]})


@pytest.mark.slow
def test_the_command_line_says_what_changes_and_exits_with_two_where_it_breaks(
    project: Path, tmp_path: Path, train: Train
) -> None:
    model, sample = train("Parch")
    sample.to_pickle(tmp_path / "sample.pkl")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    given = [str(project), "--model", str(tmp_path / "model.pkl"), "--input", str(tmp_path / "sample.pkl")]
    shown = CliRunner().invoke(app, ["diff", *given])
    assert shown.exit_code == 2
    assert "breaking" in shown.output
    assert "version 1.0.0 -> 2.0.0" in shown.output
    told = CliRunner().invoke(app, ["diff", *given, "--json"])
    report = json.loads(told.stdout)
    assert report["breaking"] is True
    assert report["contract"][1]["what"] == "input FamilySize"
    assert scaffold.diff(project, tmp_path / "model.pkl", tmp_path / "sample.pkl").as_json() == report
    refused = CliRunner().invoke(app, ["update", *given, "--json"])
    assert refused.exit_code == 2
    assert json.loads(refused.stdout) == report
    done = CliRunner().invoke(app, ["update", *given, "--allow-breaking", "--no-verify"])
    assert done.exit_code == 0, done.output
    assert "Not proven." in done.output
    back = CliRunner().invoke(app, ["undo", str(project), "--json"])
    assert back.exit_code == 0
    assert "app/schemas.py" in json.loads(back.stdout)["files"]
    assert "FamilySize" not in (project / "app/schemas.py").read_text()


@pytest.mark.slow
def test_files_in_conflict_exit_with_three_unless_callers_break(
    project: Path, tmp_path: Path, train: Train
) -> None:
    """Retrained with one label more and another type of a column, where the owner has a type of their own."""
    edit(project, "app/schemas.py", ("    Pclass: Int64 = ", "    Pclass: str = "))
    model, sample = train("FamilySize", 0.5)
    retrained = DummyClassifier().fit(sample, [row % 3 for row in range(len(sample))])
    model = Pipeline([*model.steps[:-1], ("dummyclassifier", retrained)])
    sample.astype({"Pclass": "float64"}).to_pickle(tmp_path / "sample.pkl")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    given = [str(project), "--model", str(tmp_path / "model.pkl"), "--input", str(tmp_path / "sample.pkl")]
    held = (project / "app/schemas.py").read_bytes()
    for verb in ("diff", "update"):
        found = CliRunner().invoke(app, [verb, *given])
        assert found.exit_code == 2
        told = re.sub(r"\s+", " ", found.output)
        assert "output prediction labels 0, 1 -> labels 0, 1, 2 another set of labels" in told
        assert "version 1.0.0 -> 2.0.0" in told
        assert (project / "app/schemas.py").read_bytes() == held
        assert CliRunner().invoke(app, [verb, *given, "--allow-breaking"]).exit_code == 3
    assert (project / "app/schemas.py").read_bytes() != held


def test_a_template_of_someone_else_is_rendered_and_kept_for_the_next_time(
    project: Path, tmp_path: Path
) -> None:
    template = Path(shutil.copytree(template_path("service"), tmp_path / "template"))
    (template / "project" / "OWNERS.jinja").write_text("{{ name }}: the risk team\n")
    (template / "project" / "CHANGELOG.md.jinja").unlink()
    done = update(project, template=str(template), verify=False)
    assert done.files["OWNERS"] == "added"
    assert done.files["CHANGELOG.md"] == "removed"
    assert (project / "OWNERS").read_text() == "titanic: the risk team\n"
    assert update(project).is_empty
