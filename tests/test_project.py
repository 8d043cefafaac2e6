"""A project on disk is read in one place, and its paths name existing files."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest

import scaffold
from scaffold import Project
from scaffold.base import layout
from scaffold.errors import ModelChangedError, NoRecordError, UnsafePathError, UsageError, VerificationError
from scaffold.events import Event, Started

TITANIC = Path("examples/titanic/service")


def test_an_inspected_model_in_memory_has_a_file_that_persists() -> None:
    first, again = (scaffold.inspect(abs, [-1.0, 2.0], [1.0, 2.0]).artifact for _ in range(2))
    assert first.path.is_file()
    assert again.path.is_file()
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.sha256
    assert (first.sha256 != again.sha256) or first.path == again.path


def test_an_inspected_model_file_is_the_one_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(abs))
    assert scaffold.inspect(path, [-1.0, 2.0], [1.0, 2.0]).artifact.path == path


def test_a_new_project_names_the_model_that_lies_in_it(tmp_path: Path) -> None:
    project = scaffold.new(abs, [-1.0, 2.0], [1.0, 2.0], tmp_path / "magnitude", verify=False)
    model = project.spec.artifact
    assert model.path.parent == tmp_path / "magnitude" / layout.MODEL_FOLDER
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.sha256 == project.model_sha256
    opened = Project.open(tmp_path / "magnitude")
    assert opened.files == project.files
    assert str(opened) == str(project)
    assert opened.recording == project.spec.recording
    assert opened.spec.artifact.path == model.path
    assert opened.verification is None


def test_a_model_that_changes_before_it_is_copied_leaves_no_project(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(abs))

    def change(event: Event) -> None:
        if event == Started("render"):
            path.write_bytes(pickle.dumps(abs, protocol=2))

    with pytest.raises(ModelChangedError, match=r"model\.pkl changed"):
        scaffold.new(path, [-1.0, 2.0], [1.0, 2.0], tmp_path / "magnitude", verify=False, on_event=change)
    assert not (tmp_path / "magnitude").exists()


def test_a_project_is_opened_with_all_that_its_files_say() -> None:
    project = Project.open_service(TITANIC)
    recorded = json.loads((TITANIC / layout.RECORDED).read_text())
    assert project.python == (TITANIC / layout.PYTHON).read_text().strip()
    assert project.lock.text == (TITANIC / layout.LOCK).read_text()
    assert project.lock.releases["scikit-learn"] == project.lock.installed_here["scikit-learn"]
    assert list(project.recording.requests) == recorded["requests"]
    assert set(project.targets) == {"production", "staging"}
    assert project.model_sha256 == project.spec.artifact.sha256


def test_a_folder_that_is_not_a_project_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no generated project: it has no app/main\.py"):
        Project.open_service(tmp_path)
    project = Project.open(tmp_path)
    assert (project.targets, project.model_sha256, project.variables) == ((), "", ())
    with pytest.raises(NoRecordError):
        _ = project.record
    with pytest.raises(VerificationError, match=r"recorded\.json cannot be read"):
        _ = project.recording


def test_a_model_folder_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / layout.MODEL_FOLDER).symlink_to(tmp_path)
    with pytest.raises(UnsafePathError, match="symbolic link") as refused:
        _ = Project.open(tmp_path).model_sha256
    assert str(refused.value).endswith("\nPut a real file or folder in the place of model.")


def test_the_paths_of_a_generated_project_are_those_of_the_layout() -> None:
    there = {path.relative_to(TITANIC).as_posix() for path in TITANIC.rglob("*")}
    of_others = {
        "COLUMNS",
        "WHEELS",
        "ENVIRONMENT",
        "KUSTOMIZATION",
        "KUSTOMIZATIONS",
        "CHART",
        "UPDATE",
        "UNDO",
        "MODEL_FOLDERS",
        "MODEL_FILE",
        "PROTOCOL_FILES",  # by answer
        "BASELINE",
        "DRIFT_CODE",
        "CARD_CODE",
        "CARD_JSON",
        "PAGE_CODE",
        "PAGE_HTML",
        "RUNTIME",
        "BATCH",
        "BATCH_REQUIREMENTS",
        "BATCH_TEST",
        "CLIENT",
        "CLIENT_TEST",
        "FAST_CHECK",
        "FAST_CODE",
        "FAST_CONSTANTS",
        "FAST_DATA",
        "FAST_GRAPH",
        "FAST_LOCK",
        "FAST_REQUIREMENTS",
        "FAST_TEST",
        "FAST_THRESHOLDS",
        "SHADOW_CODE",
        "PRISTINE",  # the checked-in examples have no archive
    }
    names = {name for name in vars(layout) if name.isupper()} - of_others
    assert {getattr(layout, name) for name in names} <= there
