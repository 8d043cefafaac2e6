"""The targets of the attacks: secrets, a model's folder, servers and a victim process, all harmless."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.confine import Confinement

ATTACKS = Path(__file__).parent / "attacks.py"


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[dict[str, Any]]:
    """Listening sockets of each kind, and how to reach them."""
    abstract = f"scaffold-{secrets.token_hex(4)}"
    paths = [str(folder / name) for name in ("unix", "datagram")]
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_STREAM)
        for path, kind in zip([*paths, "\0" + abstract], kinds, strict=True):
            server = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            server.bind(path)
            if kind == socket.SOCK_STREAM:
                server.listen()
        names = {"unix": paths[0], "datagram": paths[1], "abstract": abstract}
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], **names}


def make_files(folder: Path) -> dict[str, str]:
    home, model, outside, inside = (folder / name for name in ("home", "model", "outside", "inside"))
    for path in (home, model / "sub", outside, inside):
        path.mkdir(parents=True)
    (home / "id_rsa").write_text("secret")
    for name in ("target.txt", "deleted.txt", "renamed.txt", "truncated.txt"):
        (outside / name).write_text("original")
    for name in (
        "model.pkl",
        "data.csv",
        "truncated.csv",
        "truncated-too.csv",
        ".env",
        "sub/.token",
        "sub/seen",
    ):
        (model / name).write_text("content")
    (model / "notes.txt").symlink_to(home / "id_rsa")
    paths = {"secret": home / "id_rsa", "beside": model / ".env", "outside": outside, "inside": inside}
    return {name: str(path) for name, path in {**paths, "model": model}.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The results of the attacks, and whether the files outside and the victim process are unchanged."""

    results: dict[str, bool | str]
    nothing_changed: bool

    @property
    def succeeded(self) -> set[str]:
        return {name for name, result in self.results.items() if result is True}


RunAttacks = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run_attacks(tmp_path_factory: pytest.TempPathFactory) -> RunAttacks:
    """Run all attacks in a process; `confined` has the keywords of `Confinement` beside the paths."""

    def run(*statements: str, confined: dict[str, Any] | None) -> Outcome:
        folder = tmp_path_factory.mktemp("scene")
        files = make_files(folder)
        before = content_of(folder, but=files["inside"])
        victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        try:
            with servers(folder) as addresses:
                scene = json.dumps({**files, **addresses, "victim": victim.pid})
                command = [sys.executable, str(ATTACKS), scene]
                if confined is not None:
                    confinement = Confinement(
                        readable=(Path(files["model"]),),
                        writable=(Path(files["inside"]),),
                        parent_pid=os.getpid(),
                        **confined,
                    )
                    command += [confinement.as_json(), *statements]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=False, timeout=120, start_new_session=True
                )
            assert done.returncode == 0, done.stderr
            kept = content_of(folder, but=files["inside"]) == before and victim.poll() is None
            return Outcome(results=json.loads(done.stdout), nothing_changed=kept)
        finally:
            victim.kill()
            victim.wait()

    return run


def content_of(folder: Path, *, but: str) -> dict[str, tuple[int, float, bytes]]:
    """Return mode, time and content of each file below `folder`, except those below `but`."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(but))
    return {str(path): (path.stat().st_mode, path.stat().st_mtime, path.read_bytes()) for path in files}
