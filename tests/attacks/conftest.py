"""Places where an attack could have an effect: folders, a secret file and a port, checked after each test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.case import SECRET
from tests.attacks.corpus import Place


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def place(tmp_path: Path, listener: socket.socket) -> Iterator[Place]:
    (tmp_path / "markers").mkdir()
    (tmp_path / "model").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    yield Place(tmp_path / "markers", secret, listener.getsockname()[1])
    assert secret.read_bytes() == SECRET
    with pytest.raises(BlockingIOError):
        listener.accept()
