"""What a service runs, as one hash: a proof is of the code with this hash. Standard library only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.layout import DEPLOY, LOCK, PYTHON, TESTS

_NOT_CODE = ("__pycache__", "node_modules", "venv")
_NOT_RUN = (DEPLOY, TESTS, *_NOT_CODE)
"""In the project's own folder."""


def code_sha256(root: Path) -> str:
    """Return the hash of what the service of the project `root` runs: code, model, lock and Python version.

    These are the files of all folders but `deploy`, `tests` and hidden ones, and beside these folders the
    modules and the lock. Manifests, tests and documents may change without a new proof.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(root), key=lambda path: path.as_posix()):
        digest.update(f"{path.as_posix()}\0{sha256_file(root / path)}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        place = Path(folder).relative_to(root)
        is_top = place == Path()
        left_out = _NOT_RUN if is_top else _NOT_CODE
        folders[:] = [name for name in folders if not name.startswith(".") and name not in left_out]
        for name in files:
            is_run = name in (LOCK, PYTHON) or name.endswith(".py") if is_top else not name.endswith(".pyc")
            if is_run and (root / place / name).is_file():
                yield place / name
