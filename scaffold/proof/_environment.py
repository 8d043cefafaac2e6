"""The environment of a project: what its lock lists, and nothing else."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold.base.layout import LOCK, WHEELS
from scaffold.base.lockfile import FIND_LINKS, Lock
from scaffold.base.locks import lock_file, open_lock
from scaffold.base.process import Runner, run_command
from scaffold.base.pythons import find_python
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError, EnvironmentFailedError

_STAMP = "lock.sha256"


def make_environment(
    root: Path,
    folder: Path,
    *,
    python: str,
    also: Sequence[str] = (),
    lock: Lock | None = None,
    run: Runner = run_command,
) -> Path:
    """Install the lock of the project `root` into a new environment in `folder`; return its Python.

    An environment in `folder` that was made from the same lock is used again.

    Args:
        root: A project with a `requirements.txt` whose every line has hashes, or a `uv.lock`.
        folder: Where the environment goes; an older one there is replaced.
        python: The Python version that the lock is for, `3.11`.
        also: Further requirements, installed in the versions of the lock where it has them.
        lock: What to install in place of the lock of the project.
        run: Runs uv.

    Raises:
        UnsafeLockError: A line of the lock is more than a pinned distribution.
        PythonNotFoundError: There is no such Python.
        EnvironmentFailedError: Something in the lock cannot be installed.
    """
    root, folder = root.absolute(), folder.absolute()  # uv runs in one folder and gets the other
    is_own, lock = lock is None, lock or open_lock(root, run)
    lock_sha256 = hashlib.sha256("\n".join([lock.text, *also]).encode()).hexdigest()
    interpreter = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = folder / _STAMP
    if interpreter.exists() and stamp.exists() and stamp.read_text() == lock_sha256:
        return interpreter
    uv, env = uv_command(), uv_environment()
    base = find_python(python, run)
    try:
        run([uv, "venv", "--quiet", "--clear", "--python", base, str(folder)], env=env)
        file = LOCK if is_own and lock_file(root) == LOCK else str(folder / LOCK)
        if file != LOCK:
            text = lock.text.replace(f"{FIND_LINKS}\n", f"--find-links {root / WHEELS}\n")
            (folder / LOCK).write_text(text, encoding="utf-8")
        install = [uv, "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--requirement", file]
        run([*install, "--python", str(interpreter)], cwd=root, env=env)
        if also:
            more = [uv, "pip", "install", "--quiet", "--overrides", file, "--requirement", "-"]
            run([*more, "--python", str(interpreter)], cwd=root, env=env, input="\n".join(also))
    except CommandError as error:
        raise EnvironmentFailedError(error.tail) from error
    stamp.write_text(lock_sha256)
    return interpreter
