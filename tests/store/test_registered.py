"""A registered model can be used in place of a path."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import scaffold
from scaffold.errors import ReadError, StoreError
from scaffold.verbs.register import registered_file


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
    assert registered_file("store:titanic/1.0.0") == model
    assert registered_file("store:titanic") == later


def test_a_missing_or_changed_model_is_refused(model: Path) -> None:
    scaffold.register(model, name="titanic", version="1.0.0")
    with pytest.raises(StoreError, match=r"no model 'iris' 2\.0"):
        registered_file("store:iris/2.0")
    with pytest.raises((StoreError, ReadError), match="nothing"):
        scaffold.register(model.with_name("nothing.pkl"), name="titanic", version="2.0.0")
    model.write_bytes(pickle.dumps(len))
    with pytest.raises(StoreError, match="no longer what was registered"):
        registered_file("store:titanic")
    with pytest.raises(StoreError, match=r"another titanic 1\.0\.0"):
        scaffold.register(model, name="titanic", version="1.0.0")


def test_a_service_is_made_of_a_registered_model(model: Path, tmp_path: Path) -> None:
    scaffold.register(model, name="magnitude", version="1.0.0")
    made = scaffold.inspect("store:magnitude", [-1.0, 2.0], [1.0, 2.0])
    assert made.artifact.sha256 == scaffold.register(model, name="magnitude", version="1.0.0").sha256
