"""A class of the owner's that MLflow saved: its pickle, artifacts, configuration and modules."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from scaffold.errors import ModelNotFetchedError, UntrustedCodeError
from scaffold.find import FoundModel, find_model
from scaffold.read import read_artifact
from scaffold.spec import ModelFormat

MLMODEL = """
flavors:
  python_function:
    loader_module: mlflow.pyfunc.model
    python_model: python_model.pkl
    code: code
    config: {scale: 10.0}
    artifacts:
      weights: {path: artifacts/weights.json, uri: /home/me/weights.json}
      words: {path: artifacts/words, uri: s3://bucket/words}
"""


class Harm:
    """A pickle of it runs a command."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What MLflow saves. The pickle names no mlflow, which the environment of the tests does not have."""
    place = tmp_path / "saved"
    for name, content in {
        "MLmodel": MLMODEL.encode(),
        "python_model.pkl": pickle.dumps({"the": "model"}),
        "code/ratios.py": b"RATIO = 2\n",
        "artifacts/weights.json": b"{}",
        "artifacts/words/a.txt": b"a",
        "artifacts/words/.hidden": b"",
        "artifacts/other.txt": b"not an artifact of the model",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / "MLmodel").read_text()
    assert old in text
    (folder / "MLmodel").write_text(text.replace(old, new))


def files_of(found: FoundModel) -> list[str]:
    return sorted(json.loads(found.path.read_bytes())["files"])


def test_artifacts_configuration_and_modules_go_along(folder: Path) -> None:
    found = find_model(str(folder))
    assert files_of(found) == [
        "artifacts/weights.json",
        "artifacts/words/a.txt",
        "context.json",
        "python_model.pkl",
    ]
    files = found.path.parent / "files"
    assert json.loads((files / "context.json").read_bytes()) == {
        "artifacts": {"weights": "artifacts/weights.json", "words": "artifacts/words"},
        "model_config": {"scale": 10.0},
    }
    assert (found.path.parent / "ratios.py").read_text() == "RATIO = 2\n"
    assert found.declared.notes == ("of the artifacts artifacts/words/.hidden is left out",)
    assert read_artifact(found.path).format is ModelFormat.PYTHON_FUNCTION


def test_another_artifact_or_configuration_is_another_model(folder: Path) -> None:
    before = read_artifact(find_model(str(folder)).path).sha256
    (folder / "artifacts" / "weights.json").write_text("[]")
    changed = read_artifact(find_model(str(folder)).path).sha256
    change(folder, "10.0", "11.0")
    assert len({before, changed, read_artifact(find_model(str(folder)).path).sha256}) == 3


@pytest.mark.parametrize("name", ["python_model.pkl", "artifacts/weights.json", "artifacts/words/a.txt"])
def test_each_pickle_passes_the_gate(folder: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Harm()))
    with pytest.raises(UntrustedCodeError, match=r"posix\.system"):
        read_artifact(find_model(str(folder)).path)


@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04 no archive", b"\x1f\x8b no gzip"])
def test_an_artifact_that_is_no_pickle_is_no_fault(folder: Path, content: bytes) -> None:
    (folder / "artifacts" / "words" / "a.txt").write_bytes(content)
    assert read_artifact(find_model(str(folder)).path).globals == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("artifacts/words,", "../../etc,", r"'\.\./\.\./etc', which is not below its folder"),
        ("artifacts/words,", "artifacts/gone,", "it has no file 'artifacts/gone'"),
        ("python_model: python_model.pkl", "python_model: gone.pkl", r"it has no file 'gone\.pkl'"),
        ("code: code", "model_code_path: /home/me/agent.py", r"by running agent\.py, and keeps no object"),
        ("code: code", "python_model_compression: lzma", r"its pickle is compressed \(lzma\)"),
        ("scale: 10.0", "until: 2026-01-01", "its model_config has values that JSON does not have"),
    ],
)
def test_what_makes_no_service_is_one_message(folder: Path, old: str, new: str, message: str) -> None:
    change(folder, old, new)
    with pytest.raises(ModelNotFetchedError, match=message):
        find_model(str(folder))


def test_a_link_among_the_artifacts_is_refused(folder: Path) -> None:
    (folder / "artifacts" / "words" / "b.txt").symlink_to("/etc/passwd")
    with pytest.raises(ModelNotFetchedError, match=r"artifacts/words/b\.txt is a symbolic link"):
        find_model(str(folder))
