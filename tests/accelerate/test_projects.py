"""`--accelerate numpy`: projects with a compiled model, from `new` through updates."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import scaffold
from scaffold.base.files import sha256_file
from scaffold.base.layout import FAST_CHECK, FAST_CODE, FAST_CONSTANTS, FAST_TEST
from scaffold.errors import (
    AnswersDifferError,
    CompiledFileError,
    ExclusiveOptionsError,
    FilesDisagreeError,
    InvalidOptionError,
    ReplacedModelError,
    ServiceNotStartedError,
)
from scaffold.events import Event, Noted
from scaffold.proof._service import start_service
from scaffold.verbs._model_hash import require_compiled_files
from scaffold.verbs.project import Project
from scaffold.verbs.update_result import Update
from tests.batch._project import batch

COMPILED = [FAST_CODE, FAST_CONSTANTS, FAST_TEST, f"{FAST_CHECK}/compare.py"]
PASSENGERS = Path(__file__).parents[2] / "examples" / "titanic" / "titanic.csv"
OWN_STEP = '    # Fares above 500 are typing errors.\n    inputs["Fare"] = inputs["Fare"].clip(0, 500)\n'


def _train(imputer: Any = None, strength: float = 1.0) -> tuple[Any, pd.DataFrame]:
    table = pd.read_csv(PASSENGERS).head(300)
    inputs = table.drop(columns="Survived")
    columns = make_column_transformer(
        (make_pipeline(imputer or SimpleImputer(), StandardScaler()), ["Age", "Fare"]),
        (OneHotEncoder(handle_unknown="ignore"), ["Pclass", "Sex", "Embarked"]),
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression(C=strength, max_iter=1000))
    return model.fit(inputs, table["Survived"]), inputs.head(20)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a compiled model, as `new` writes it."""
    root = tmp_path_factory.mktemp("compiled") / "titanic"
    project = scaffold.new(*_train(), None, root, accelerate="numpy")
    verification = project.record.verification
    assert verification is not None
    [check] = [check for check in verification.checks if check.name == "compiled model"]
    assert re.match(r"as the model on 1[0-9],\d{3} rows", check.detail)
    return root


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(compiled, tmp_path / "titanic"))


def _notes() -> tuple[list[str], Callable[[Event], None]]:
    notes: list[str] = []
    return notes, lambda event: notes.append(event.text) if isinstance(event, Noted) else None


def _are_there(root: Path) -> list[bool]:
    return [(root / path).exists() for path in COMPILED]


@pytest.mark.slow
def test_the_compiled_form_is_recorded_and_kept_with_an_edit(project: Path) -> None:
    score = project / "app/score.py"
    before, _, after = score.read_text().partition("    # Your steps before the model")
    edited = before + OWN_STEP + after.partition("\n")[2]
    assert "pickle" not in edited
    score.write_text(edited)
    model, sample = _train(strength=0.5)
    constants = (project / FAST_CONSTANTS).read_bytes()
    update = scaffold.update(project, model, sample, model.predict(sample))
    assert update.applied
    assert score.read_text() == edited
    assert (project / FAST_CONSTANTS).read_bytes() != constants
    assert all(_are_there(project))


REPLACED = r"the sha256 of model\.pkl is \w{64}, and not \w{64} as expected"


@pytest.mark.slow
def test_a_model_file_that_was_replaced_is_not_served_by_the_old_constants(project: Path) -> None:
    [model] = [path for path in (project / "model").iterdir() if path.suffix == ".pkl"]
    model.write_bytes(pickle.dumps(_train(strength=0.5)[0]))
    with (
        pytest.raises(ServiceNotStartedError, match=REPLACED),
        start_service(project, Path(sys.executable)),
    ):
        raise AssertionError("it started")
    compared = subprocess.run(
        [sys.executable, "-m", "tests.fast"], cwd=project, check=False, capture_output=True, text=True
    )
    assert re.search(REPLACED, compared.stderr)
    with pytest.raises(FilesDisagreeError, match="scaffold update"):
        scaffold.verify(project, quick=True)
    with pytest.raises(ReplacedModelError, match="is not the model from which") as replaced:
        scaffold.verify(project)
    old_sha256 = Project.open(project).spec.artifact.sha256
    assert replaced.value.hashes == (sha256_file(model), old_sha256)
    assert f"scaffold update {project} --model {model} --input sample.pkl" in str(replaced.value)
    assert (
        "`app/score.py` and `tests/fast` check the sha256 above" in (project / "model/README.md").read_text()
    )


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["absent", "another"])
def test_a_file_of_the_compiled_model_is_written_again(project: Path, damage: str) -> None:
    file = project / FAST_CONSTANTS
    before = file.read_bytes()
    if damage == "absent":
        file.unlink()
    else:
        file.write_bytes(before[:-1])
    advice = f"Write it again:\n.*scaffold update {project}"
    with pytest.raises(FilesDisagreeError, match=advice):
        scaffold.verify(project, quick=True)
    for verb in (scaffold.verify, scaffold.build):
        with pytest.raises(CompiledFileError, match=advice):
            verb(project)
    updated = scaffold.update(project)
    assert updated.applied
    assert updated.files[FAST_CONSTANTS] == "updated"
    assert file.read_bytes() == before
    scaffold.verify(project, quick=True)
    assert scaffold.update(project).is_empty


def test_an_absent_module_of_a_compiled_model_is_named(tmp_path: Path) -> None:
    for path in ("app/main.py", "app/score.py", "tests/fast/__main__.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(CompiledFileError, match=r"fast\.py is absent") as found:
        require_compiled_files(Project(root=tmp_path))
    for choice in ("off", "auto"):
        assert f"scaffold update {tmp_path} --accelerate {choice}" in str(found.value)


@pytest.mark.slow
def test_without_its_comparison_a_compiled_model_is_not_written(project: Path) -> None:
    shutil.rmtree(project / FAST_CHECK)
    (project / FAST_TEST).unlink()
    model, sample = _train(strength=0.5)
    notes, on_event = _notes()
    update = scaffold.update(project, model, sample, model.predict(sample), on_event=on_event)
    assert update.applied
    assert not any(_are_there(project))
    assert any(f"broke off: {FAST_CHECK} is not there" in note for note in notes)


@pytest.mark.slow
def test_a_new_model_without_a_compiled_form_brings_the_plain_form_back(project: Path) -> None:
    notes, on_event = _notes()
    model, sample = _train(KNNImputer())
    scaffold.update(project, model, sample, model.predict(sample), on_event=on_event)
    assert "accelerate: KNNImputer has no compiled form; the model is called as it is" in notes
    assert not any(_are_there(project))
    assert "pickle.load(file)" in (project / "app/score.py").read_text()
    assert Project.open(project).record.options["accelerate"] == "numpy"


@pytest.mark.slow
def test_a_project_is_accelerated_by_an_update_and_back(project: Path) -> None:
    scaffold.update(project, accelerate="off")
    assert not any(_are_there(project))
    plain = (project / "app/convert.py").read_text()
    convert = project / "app/convert.py"
    edited = plain.replace("record.Fare for record", "record.Fare / 2 for record")
    assert edited != plain
    convert.write_text(edited)
    notes, on_event = _notes()
    scaffold.update(project, accelerate="numpy", on_event=on_event)
    conflict = "accelerate: your edit of app/convert.py conflicts with it; the model is called as it is"
    assert conflict in notes
    assert convert.read_text() == edited
    convert.write_text(plain)
    score = project / "app/score.py"
    score.write_text(score.read_text().replace("    # Your steps before the model", f"{OWN_STEP}    #"))
    scaffold.update(project, accelerate="numpy", on_event=on_event)
    assert all(_are_there(project))
    assert "your steps in app/score.py get arrays in place of a frame now: docs/accelerate.md" in notes


def _break_scaler(monkeypatch: pytest.MonkeyPatch, mean: str) -> None:
    """Let the compiled StandardScaler subtract another mean."""
    from scaffold.render import _fast

    definitions = dict(_fast._definitions())
    scaler = definitions["StandardScaler"]
    source = scaler.source.replace("x -= self.mean", f"x -= {mean}")
    assert source != scaler.source
    definitions["StandardScaler"] = _fast._Definition(source, scaler.names)
    monkeypatch.setattr(_fast, "_definitions", lambda: definitions)


@pytest.mark.slow
def test_a_compiled_model_that_differs_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_scaler(monkeypatch, "1.001 * self.mean")
    notes, on_event = _notes()
    scaffold.new(*_train(), None, tmp_path / "titanic", accelerate="numpy", on_event=on_event)
    [note] = [note for note in notes if note.startswith("accelerate: ")]
    assert note.startswith("accelerate: ColumnTransformer differs: predict_proba of {")
    assert note.endswith("; the model is called as it is")
    assert not any(_are_there(tmp_path / "titanic"))


IN_SERVICE = '("PORT" in __import__("os").environ)'
"""The comparison runs without the variables of the service."""


@pytest.mark.slow
def test_a_compiled_model_whose_service_answers_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break_scaler(monkeypatch, f"(1 + 1000 * {IN_SERVICE}) * self.mean")
    notes, on_event = _notes()
    scaffold.new(*_train(), None, tmp_path / "titanic", accelerate="numpy", on_event=on_event)
    [note] = [note for note in notes if note.startswith("accelerate: ")]
    assert note.startswith("accelerate: with a compiled model the proof fails (AnswersDifferError: The serv")
    assert note.endswith("; the model is called as it is")
    assert not any(_are_there(tmp_path / "titanic"))
    with pytest.raises(AnswersDifferError):
        scaffold.new(
            *_train(),
            None,
            tmp_path / "slim",
            accelerate="numpy",
            answers={"slim": True},
            on_event=on_event,
        )
    assert notes[-1].endswith("take the libraries along: --answer slim=false")
    assert not (tmp_path / "slim").exists()


@pytest.mark.slow
def test_an_update_that_falls_back_reports_the_plain_form_alone(tmp_path: Path) -> None:
    inputs = _train()[1][["Age", "Fare"]].fillna(30)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs, inputs["Fare"] > 10)
    root = tmp_path / "titanic"
    scaffold.new(model, inputs, None, root)
    score = root / "app/score.py"
    own = '    inputs["Fare"] = inputs["Fare"] / 2\n    # Your steps before the model'
    score.write_text(score.read_text().replace("    # Your steps before the model", own))
    notes, on_event = _notes()
    reports: list[Update] = []
    scaffold.update(root, accelerate="numpy", on_event=on_event, on_report=reports.append)
    [fallback] = [note for note in notes if note.startswith("accelerate: ")]
    assert fallback.startswith(
        "accelerate: with a compiled model the service does not start (The model cannot score EXAMPLE of"
        " schemas.py: IndexError: only integers, slices"
    )
    assert fallback.endswith("; the model is called as it is")
    assert not any("arrays in place of a frame" in note for note in notes)
    [report] = reports
    assert "tests/recorded.json" in report.files
    assert not {*COMPILED, "app/convert.py"} & {*report.files}
    assert not any(_are_there(root))
    [own_note] = [note for note in notes if note.startswith("with your app/score.py")]
    assert "requests otherwise than before, " in own_note
    update = scaffold.update(root, answers={"replicas": 3})
    assert "with your app/score.py it answers as before" in update.notes


def test_without_a_proof_the_plain_form_is_written(tmp_path: Path) -> None:
    notes, on_event = _notes()
    root = tmp_path / "titanic"
    scaffold.new(*_train(), None, root, accelerate="numpy", verify=False, on_event=on_event)
    assert (
        "accelerate: a compiled model is only written with its proof; the model is called as it is" in notes
    )
    assert not any(_are_there(root))


def test_another_way_to_accelerate_is_refused(tmp_path: Path) -> None:
    ways = "There is no way 'gpu' to accelerate: it is off, numpy, onnx or auto"
    with pytest.raises(InvalidOptionError, match=ways):
        scaffold.new(np.zeros, [1], None, tmp_path / "service", accelerate="gpu")


def test_a_template_of_someone_else_excludes_it(tmp_path: Path) -> None:
    with pytest.raises(ExclusiveOptionsError, match="--accelerate and --template exclude each other"):
        scaffold.new(*_train(), None, tmp_path / "titanic", accelerate="numpy", template=str(tmp_path))


@pytest.mark.slow
def test_files_are_scored_by_columns(tmp_path: Path) -> None:
    root = tmp_path / "titanic"
    scaffold.new(*_train(), None, root, accelerate="numpy", answers={"batch": "local"})
    assert "-> dict[str, NDArray[Any]]:" in (root / "batch" / "columns.py").read_text()
    assert "by rows and by columns" in batch(root, "check").stdout
