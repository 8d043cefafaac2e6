"""A registered model can be used in place of a path."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import scaffold
from scaffold.errors import ReadError, StoreError
from scaffold.find import find_model


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(abs))
    return path


def test_a_registered_model_is_found_by_name_and_version(model: Path) -> None:
    first = scaffold.register(model, name="titanic", version="1.0.0")
    later = model.with_name("later.pkl")
    later.write_bytes(pickle.dumps(len))
    scaffold.register(later, name="titanic", version="1.1.0")
    assert first.location == str(model)
    assert find_model("store:titanic/1.0.0").path == model
    assert find_model("store:titanic").path == later


def test_the_provenance_names_the_version_that_was_found(model: Path) -> None:
    scaffold.register(model, name="titanic", version="1.0.0")
    assert find_model("store:titanic").provenance == "store:titanic/1.0.0"


def test_a_missing_or_changed_model_is_refused(model: Path) -> None:
    scaffold.register(model, name="titanic", version="1.0.0")
    with pytest.raises(StoreError, match="no model 'iris'; nearest: titanic"):
        find_model("store:iris/2.0")
    with pytest.raises((StoreError, ReadError), match="nothing"):
        scaffold.register(model.with_name("nothing.pkl"), name="titanic", version="2.0.0")
    model.write_bytes(pickle.dumps(len))
    with pytest.raises(StoreError, match="no longer what was registered"):
        find_model("store:titanic")
    with pytest.raises(StoreError, match=r"another titanic 1\.0\.0"):
        scaffold.register(model, name="titanic", version="1.0.0")


def test_a_service_is_made_of_a_registered_model(model: Path, tmp_path: Path) -> None:
    scaffold.register(model, name="magnitude", version="1.0.0")
    made = scaffold.inspect("store:magnitude", [-1.0, 2.0], [1.0, 2.0])
    assert made.artifact.sha256 == scaffold.register(model, name="magnitude", version="1.0.0").sha256
