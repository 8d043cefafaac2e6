"""The environments of the model libraries: one for all compatible libraries."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scaffold.base.uv import uv_command, uv_environment

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
MODELS = HERE / "models"
LOCKS = HERE / "environments"
"""A lock for each environment. A model without a lock of its name runs in `shared`."""
NAMES = sorted(path.parent.name for path in MODELS.glob("*/train.py"))
COMPILING = frozenset({"pynndescent", "umap-learn"})
"""numba compiles these for minutes in each process. They run only by name: `--only umap-learn`."""
_TIMEOUT_S = 1800


class LibraryError(Exception):
    """A step of a library failed; the message has the command and the end of its output."""


def requirements_of(name: str) -> list[str]:
    """Return the requirements of the folder `name` of `models/`, its library first."""
    return (MODELS / name / "requirements.txt").read_text(encoding="utf-8").split()


def library_environment(name: str, work: Path) -> Path:
    """The Python of an environment with the libraries of the model's lock and this tool."""
    lock = lock_of(name)
    folder = work / "environments" / lock.stem
    complete = folder / "complete"
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{lock.stem}.lock").open("w") as other_processes:
        fcntl.flock(other_processes, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_bytes() != lock.read_bytes():
            make = [uv_command(), "venv", "--quiet", "--no-project", "--clear", "--python", sys.executable]
            run_command([*make, str(folder)], work)
            install = [uv_command(), "pip", "install", "--quiet", "--compile-bytecode"]
            libraries = ["--editable", str(REPOSITORY), "--requirement", str(lock)]
            run_command([*install, "--python", str(python), *libraries], work)
            shutil.copyfile(lock, complete)
    return python


def write_locks() -> None:
    """Write the locks with the newest versions that the requirements of the models allow."""
    for path in LOCKS.glob("*.txt"):
        names = [name for name in NAMES if lock_of(name) == path]
        requirements = "\n".join(sorted({each for name in names for each in requirements_of(name)}))
        path.write_text(requirements, encoding="utf-8")
        resolve = [uv_command(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        sources = [str(path), str(REPOSITORY / "pyproject.toml")]
        lock = run_command([*resolve, "--python", sys.executable, *sources], REPOSITORY)
        path.write_text(re.sub(r"\+\w+$", "", lock, flags=re.MULTILINE), encoding="utf-8")


def run_command(command: list[str], cwd: Path, variables: dict[str, str] | None = None) -> str:
    """Return what the command prints. Raises LibraryError if it fails or does not end."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=variables or uv_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LibraryError(f"{' '.join(command)}\nno end after {_TIMEOUT_S} s") from error
    if done.returncode:
        raise LibraryError(f"{' '.join(command)}\n{done.stdout[-3000:]}")
    return done.stdout


def lock_of(name: str) -> Path:
    """The lock of the environment that the folder `name` of `models/` runs in."""
    own = LOCKS / f"{name}.txt"
    return own if own.exists() else LOCKS / "shared.txt"
