"""The hash of the files that a service runs, which ties a proof to its code. Standard library only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.layout import DEPLOY, LOCK, PYTHON, TESTS
from scaffold.base.other_tools import find_locking_tool

_NOT_CODE = ("__pycache__", "node_modules", "venv")
_NOT_RUN = (DEPLOY, TESTS, *_NOT_CODE)
"""Folders at the top of a project that the service does not run."""


def code_sha256(root: Path) -> str:
    """Return the hash of the files that the service of a project runs: code, model, lock, Python version.

    These are the files in all folders but `deploy`, `tests` and hidden ones, and at the top of the project
    the modules, the lock and the Python version. Manifests, tests and documents may change without a new
    proof.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(root), key=lambda path: path.as_posix()):
        digest.update(f"{path.as_posix()}\0{sha256_file(root / path)}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    tool = find_locking_tool(root)
    lock = LOCK if not tool or (root / LOCK).is_file() else tool.lock
    for folder, folders, files in os.walk(root):
        place = Path(folder).relative_to(root)
        is_top = place == Path()
        left_out = _NOT_RUN if is_top else _NOT_CODE
        folders[:] = [name for name in folders if not name.startswith(".") and name not in left_out]
        for name in files:
            is_run = name in (lock, PYTHON) or name.endswith(".py") if is_top else not name.endswith(".pyc")
            if is_run and (root / place / name).is_file():
                yield place / name
