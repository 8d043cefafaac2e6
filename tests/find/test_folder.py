"""A folder as a source: a link that leads out, and one model file among others."""

from pathlib import Path

import pytest

from scaffold.errors import NotAModelError
from scaffold.find import find_model
from scaffold.read import read_artifact
from scaffold.spec import ModelFormat


def test_a_folder_with_one_model_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"x")
    (tmp_path / "README.md").write_text("")
    (tmp_path / "features.py").write_text("")
    assert find_model(str(tmp_path)).path == tmp_path / "model.pkl"


def test_a_folder_with_two_model_files_names_both(tmp_path: Path) -> None:
    for name in ("a.pkl", "b.onnx"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(NotAModelError, match=r"2 model files, a\.pkl, b\.onnx"):
        find_model(str(tmp_path))


def test_a_folder_of_tensorflow_names_the_other_way(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(NotAModelError, match=r"tf2onnx\.convert --saved-model"):
        find_model(str(tmp_path))


def test_a_folder_of_keras_is_packed_as_keras_packs_it(tmp_path: Path) -> None:
    for name in ("config.json", "metadata.json", "model.weights.h5"):
        (tmp_path / name).write_text("{}")
    first, second = (find_model(str(tmp_path)).path for _ in range(2))
    assert first.name == "model.keras"
    assert first.read_bytes() == second.read_bytes()
    assert read_artifact(first).format is ModelFormat.KERAS


def test_links_lead_into_the_cache_of_hugging_face_only(tmp_path: Path) -> None:
    """Its snapshots hold links to blobs; any other link out of the folder might lead to a secret."""
    snapshot = tmp_path / "models--a--b" / "snapshots" / "1f2e"
    blobs = snapshot.parents[1] / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for name, content in (("config.json", '{"model_type": "bert"}'), ("model.safetensors", "weights")):
        (blobs / f"blob-{name}").write_text(content)
        (snapshot / name).symlink_to(f"../../blobs/blob-{name}")
    copy = find_model(str(snapshot)).path.parent / "files" / "model.safetensors"
    assert not copy.is_symlink()
    assert copy.read_text() == "weights"
    (snapshot / "vocab.txt").symlink_to("/etc/passwd")
    with pytest.raises(NotAModelError, match=r"vocab\.txt is a symbolic link that leads out"):
        find_model(str(snapshot))
