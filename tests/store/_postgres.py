"""A PostgreSQL of the tests' own, of Debian's package or any other that is on the path."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy

USER = "postgres"


@dataclass(frozen=True)
class Database:
    """A server that listens on a socket in a folder."""

    socket: Path

    def create(self, name: str) -> str:
        """Create an empty database, and return its URL."""
        engine = sqlalchemy.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://{USER}@/{name}?host={self.socket}"


@contextlib.contextmanager
def started_postgres() -> Iterator[Database]:
    """Start a server that listens on no port, and stop it in the end."""
    programs = _programs()
    with TemporaryDirectory(prefix="pg-") as folder:  # short: the path of a socket has 107 bytes
        root = Path(folder)
        if os.geteuid() == 0:  # which PostgreSQL refuses
            shutil.chown(root, USER, USER)

        def run(program: str, *words: str) -> None:
            user = USER if os.geteuid() == 0 else None
            # No pipes: the server, which goes on, would keep them open.
            with (root / "log.txt").open("a") as log:
                subprocess.run(
                    [programs / program, "-D", root / "data", *words],
                    stdout=log,
                    stderr=log,
                    check=True,
                    user=user,
                    cwd=root,
                )

        run("initdb", "--auth=trust", f"--username={USER}", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{root}' -c fsync=off"
        run("pg_ctl", "--wait", "--options", options, "start")
        try:
            yield Database(root)
        finally:
            run("pg_ctl", "--mode=immediate", "stop")


def _programs() -> Path:
    """The folder of the programs of PostgreSQL.

    Where there is none the test is skipped; with `SCAFFOLD_REQUIRE_POSTGRES` it fails.
    """
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not places:
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_POSTGRES") else pytest.skip
        end("PostgreSQL is not installed: apt-get install postgresql")
    return places[-1]
