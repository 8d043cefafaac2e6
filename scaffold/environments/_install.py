"""Environments that uv creates in a cache folder: one for each Python and set of versions.

An environment is created once and reused. It is built in a temporary folder and renamed, so that a folder
of that name is complete; if two processes build the same one, the first is kept.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from scaffold.base.files import staged
from scaffold.base.process import Runner
from scaffold.base.pythons import RUNNING, candidate_pythons, find_python, uv_python_environment
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.uv import uv_command
from scaffold.environments._specs import EnvironmentSpec
from scaffold.errors import CommandError, LibrariesBrokenError, TargetNotEmptyError, UnresolvableError

BINARY = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
# If something requires pydantic, the worker uses the version in the environment.
_CONSTRAINTS = ("pydantic>=2.9",)
_NUMPY_1 = "numpy<2"
# What extensions that were built for numpy 1 say when they are imported under numpy 2.
_ABI = re.compile(
    r"numpy\.(?:dtype|ndarray|ufunc) size changed|compiled using NumPy 1\.x|numpy\.core\.multiarray failed"
    r"|_ARRAY_API not found|numpy\.core\.umath failed|module 'numpy' has no attribute"
    r"|cannot import name '\w+' from 'numpy\b"
    r"|was removed in the NumPy 2\.0"
)
# uv's words for a distribution or version that exists for no Python.
_HOPELESS = re.compile(r"not found in the package registry|there is no version of|there are no versions of")
# A path in a requirement (`./thing`, `-e /thing`, `thing @ file:///thing`) or a pylock (`path = "../thing"`).
_LOCAL = re.compile(r"(?:^(?:-e\s+)?|@\s*|path\s*=\s*\")(?:file://)?((?:/|\.\.?/)[^\s\"]+)", re.MULTILINE)
_IMPORT_TIMEOUT_S = 300
_KEPT_DAYS = 60
# Imports those of the given modules that are installed, and prints which imports fail.
_IMPORT = """
import importlib.util, sys
for name in sys.argv[1:]:
    if importlib.util.find_spec(name) is not None:
        try:
            __import__(name)
        except BaseException as error:
            sys.exit(f"import {name}: {type(error).__name__}: {error}")
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that uv created."""

    python: Path
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Resolved:
    """Versions for one Python, as a file that uv installs."""

    python: str
    name: str
    text: bytes
    no_wheels: CommandError | None = None
    """Why some distributions have no wheel and are built from source."""


class _NumpyAbiError(Exception):
    """A library that was built for numpy 1 was installed with numpy 2."""


def install_environment(
    spec: EnvironmentSpec, needed: Mapping[str, str], *, pythons: Sequence[str], folder: Path, run: Runner
) -> Installed:
    """Return the environment that `spec` describes; create it if it is not in `folder`.

    Args:
        spec: Requirements, files of requirements, or a lock.
        needed: The distribution of each module that the model needs: added where `spec` is requirements only
            and does not name it.
        pythons: The minor versions to prefer, where `spec` allows them.
        folder: Where environments are kept.
        run: Runs uv and the interpreters.

    Raises:
        EnvironmentSpecError: See `open_environment`.
    """
    missing = {name for name in needed.values() if canonicalize_name(name) not in spec.names}
    added = [] if spec.from_file else sorted(missing)
    candidates = candidate_pythons(spec.python, (*pythons, spec.python_hint), run)
    with TemporaryFolder("environment") as name:
        work = Path(name)
        resolved = _resolve(spec, added, candidates, work, (), run)
        try:
            return _ensure_installed(spec, resolved, tuple(needed), folder, run)
        except _NumpyAbiError:
            resolved = _resolve(spec, added, iter((resolved.python,)), work, (_NUMPY_1,), run)
    note = f"numpy is kept below 2: what {spec.label} brings was built for numpy 1"
    try:
        installed = _ensure_installed(spec, resolved, tuple(needed), folder, run)
    except _NumpyAbiError as error:
        raise LibrariesBrokenError(spec.label, str(error), numpy=True) from error
    return Installed(installed.python, (*installed.notes, note))


def make_once(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a temporary folder and rename it to `target`, unless `target` exists by then."""
    try:
        with staged(target) as folder:
            fill(folder)
    except TargetNotEmptyError:
        return
    except OSError as error:
        # Another process was the first to rename its own.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not target.is_dir():
            raise


# --------------------------------------------------------------------------- versions


def _resolve(
    spec: EnvironmentSpec,
    added: Sequence[str],
    pythons: Iterator[str],
    work: Path,
    constraints: Sequence[str],
    run: Runner,
) -> _Resolved:
    """Resolve the versions, for the first of `pythons` that has wheels for all of them.

    Where there is no such Python, sources are built, for the first one.
    """
    if spec.lock is not None and spec.lock.suffix == ".toml":
        return _Resolved(next(pythons), "pylock.toml", spec.lock.read_bytes())
    lock = _export_lock(spec.lock, work, run) if spec.lock is not None else None
    requirements = work / "requirements.in"
    requirements.write_text("".join(f"{line}\n" for line in (*spec.lines, *added)), encoding="utf-8")
    limits = work / "constraints.txt"
    limits.write_text("".join(f"{line}\n" for line in (*_CONSTRAINTS, *constraints)), encoding="utf-8")
    sources = [str(lock)] if lock else [*map(str, spec.files), str(requirements)]
    command = [
        *(uv_command(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--constraints", str(limits)),
        *(("--no-deps",) if lock else ()),
        *sources,
    ]
    failures: dict[str, CommandError] = {}
    for python in pythons:
        try:
            text = _compile([*command, "--only-binary", ":all:"], python, spec.folder, run)
        except CommandError as failure:
            failures[python] = failure
            if _HOPELESS.search(failure.tail):
                break
        else:
            return _Resolved(python, "requirements.txt", lock.read_bytes() if lock else text)
    label = spec.label + (f" (with {', '.join(added)}, which the files name)" if added else "")
    first, error = next(iter(failures.items()))
    if not _HOPELESS.search(error.tail):
        # No Python has wheels of all: sources may be of plain Python.
        with contextlib.suppress(CommandError):
            text = _compile(command, first, spec.folder, run)
            return _Resolved(first, "requirements.txt", lock.read_bytes() if lock else text, error)
    raise UnresolvableError(label, tuple(failures), error.tail) from error


def _compile(command: Sequence[str], python: str, folder: Path, run: Runner) -> bytes:
    done = run([*command, "--python-version", python], cwd=folder, env=uv_python_environment())
    return done.stdout.encode()


def _export_lock(lock: Path, work: Path, run: Runner) -> Path:
    """Convert a `uv.lock` to a requirement file; return other locks unchanged."""
    if lock.name != "uv.lock":
        return lock
    command = [uv_command(), "export", "--quiet", "--frozen", "--no-emit-project", "--no-dev", "--no-header"]
    target = work / "exported.txt"
    try:
        run(
            [*command, "--project", str(lock.parent), "--output-file", str(target)],
            env=uv_python_environment(),
        )
    except CommandError as error:
        raise UnresolvableError(str(lock), (RUNNING,), error.tail) from error
    return target


# --------------------------------------------------------------------------- the environment itself


def _ensure_installed(
    spec: EnvironmentSpec, resolved: _Resolved, modules: Sequence[str], folder: Path, run: Runner
) -> Installed:
    base = find_python(resolved.python, run)
    target = folder / _key(base, resolved, spec.folder)
    built_for_numpy_1 = target.with_name(f"{target.name}.numpy1")
    if built_for_numpy_1.exists():
        raise _NumpyAbiError(built_for_numpy_1.read_text(encoding="utf-8"))

    def fill(staging: Path) -> None:
        _fill(spec, resolved, base, staging, run)
        _require_imports(spec, staging / BINARY, modules, run)

    if not (target / BINARY).exists():
        shutil.rmtree(target, ignore_errors=True)  # its Python, or a part of it, was removed
        _remove_unused(folder)
        try:
            make_once(target, fill)
        except _NumpyAbiError as error:
            folder.mkdir(parents=True, exist_ok=True)
            built_for_numpy_1.write_text(str(error), encoding="utf-8")
            raise
    with contextlib.suppress(OSError):
        os.utime(target)
    return Installed(target / BINARY, spec.notes)


def _remove_unused(folder: Path) -> None:
    """Remove environments that were not opened for two months: they are large, and can be created again."""
    oldest = time.time() - _KEPT_DAYS * 86400
    for entry in folder.glob("*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _key(base: str, resolved: _Resolved, folder: Path) -> str:
    """Return the name of the environment: a hash of its interpreter and its contents."""
    digest = hashlib.sha256()
    for part in (str(Path(base).resolve()), resolved.python, platform.machine(), sys.platform, resolved.name):
        digest.update(part.encode() + b"\0")
    digest.update(resolved.text)
    for line in _local_sources(resolved.text.decode("utf-8", "replace"), folder):
        digest.update(line.encode())
    return digest.hexdigest()[:32]


def _local_sources(text: str, folder: Path) -> Iterator[str]:
    """Yield the files of local folders and wheels, with size and time in place of content."""
    for match in _LOCAL.finditer(text):
        root = folder / match[1]
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        for file in files:
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts):
                stat = file.stat()
                yield f"{file} {stat.st_size} {stat.st_mtime_ns}\n"


def _fill(spec: EnvironmentSpec, resolved: _Resolved, base: str, folder: Path, run: Runner) -> None:
    uv, env = uv_command(), uv_python_environment()
    versions = folder / resolved.name
    try:
        # A folder that is renamed must not contain its own path.
        venv = [uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--no-project"]
        run([*venv, "--python", base, str(folder)], env=env)
        versions.write_bytes(resolved.text)
        # Paths in a pylock start from where it is, those in requirements from the working directory.
        source = spec.lock if spec.lock and resolved.name == "pylock.toml" else versions
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--requirement", str(source)]
        run([*install, "--python", str(folder / BINARY)], cwd=spec.folder, env=env)
    except CommandError as error:
        # A failed build says little to users who requested none; the missing wheel is the reason.
        cause = resolved.no_wheels or error
        raise UnresolvableError(spec.label, (resolved.python,), cause.tail) from error


def _require_imports(spec: EnvironmentSpec, python: Path, modules: Sequence[str], run: Runner) -> None:
    """Import the model's modules once: metadata of old releases allows versions that do not work."""
    if not modules:
        return
    try:
        run([str(python), "-I", "-c", _IMPORT, *modules], timeout_s=_IMPORT_TIMEOUT_S)
    except CommandError as error:
        end = error.tail.strip().splitlines()[-1:]
        reason = end[0] if end else f"the import of {' or '.join(modules)} ended the process"
        if _ABI.search(error.tail):
            raise _NumpyAbiError(reason) from error
        raise LibrariesBrokenError(spec.label, reason) from error
