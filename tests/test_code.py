"""The hash of what a service runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.base.code import code_sha256

CODE = ("app/main.py", "app/data.json", "model/model.pkl", "requirements.txt", "features.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in CODE:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


@pytest.mark.parametrize("path", [*CODE, "app/new.py"])
def test_code_model_and_lock_change_the_hash(root: Path, path: str) -> None:
    before = code_sha256(root)
    (root / path).write_text("another text")
    assert code_sha256(root) != before


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "Dockerfile",
        "deploy/staging/service.yaml",
        "tests/recorded.json",
        ".scaffold/record.json",
        ".venv/lib/x.py",
        "venv/lib/x.py",
        "app/__pycache__/main.cpython-311.pyc",
    ],
)
def test_documents_manifests_and_what_a_run_leaves_do_not(root: Path, path: str) -> None:
    before = code_sha256(root)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("another text")
    assert code_sha256(root) == before


def test_a_file_under_another_name_changes_the_hash(root: Path) -> None:
    before = code_sha256(root)
    (root / "app/data.json").rename(root / "app/other.json")
    assert code_sha256(root) != before
