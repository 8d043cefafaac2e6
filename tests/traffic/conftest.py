"""A project with the baseline of made-up passengers, and a log of requests like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traffic._passengers import SAME, baseline_of, write_project


@pytest.fixture(scope="session")
def titanic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("titanic"), baseline_of(1, 2000))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """300 requests of a week."""
    path = tmp_path / "logs.jsonl"
    path.write_text("\n".join(SAME[4].lines(7)) + "\n")
    return path
