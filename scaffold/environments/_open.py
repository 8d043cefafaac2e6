"""Open the environment that `--environment` describes.

An existing environment is used as it is and never modified. Others are created by uv in the user's cache
folder, once for each set of versions. The worker's own requirements are appended to the path: see
`overlay`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from scaffold import __version__
from scaffold.base.process import Runner, run_command
from scaffold.base.pythons import SUPPORTED, minor_of, uv_python_environment
from scaffold.base.uv import uv_command
from scaffold.environments._environment import PACKAGE, Environment, running_environment, unique
from scaffold.environments._install import install_environment, make_once
from scaffold.environments._specs import parse_environment
from scaffold.errors import (
    CommandError,
    LibrariesConflictError,
    LibraryTooOldError,
    NotAnEnvironmentError,
    PythonTooOldError,
)

# What the worker imports besides the standard library, and the versions that it works with.
WORKER_NEEDS = {"cloudpickle": "", "libcst": ">=1.5", "packaging": ">=23", "pydantic": ">=2.9"}
# Their own requirements, in the environment's versions where it has them: these come first on the path.
_NEEDED_BY_THEM = ("annotated-types", "pydantic-core", "typing-extensions", "typing-inspection")
_PROBE_TIMEOUT_S = 60

# Runs in the environment's Python, 3.6 or later, isolated: without the working directory, the user's site and
# PYTHON* variables, and writes no bytecode beside the modules of somebody else.
_PROBE = """
import json, platform, sys, sysconfig
versions = {}
try:
    from importlib import metadata
    for name in sys.argv[1:]:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
except ImportError:
    pass
print(json.dumps({
    "executable": sys.executable,
    "version": platform.python_version(),
    "path": [entry for entry in sys.path if entry],
    "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
    "tag": "-".join([sys.implementation.name, sysconfig.get_platform(), getattr(sys, "abiflags", "")]),
    "versions": versions,
}))
"""


def open_environment(
    spec: str | Sequence[str],
    needed_modules: Sequence[str] = (),
    *,
    distributions: Mapping[str, str] | None = None,
    python: str | Sequence[str] = (),
    run: Runner = run_command,
    cache: Path | None = None,
) -> Environment:
    """Return the environment that `spec` describes; uv creates it if it does not exist.

    Args:
        spec: The values of `--environment`: the path of a virtual or conda environment or of an interpreter;
            a `requirements.txt`, `conda.yaml`, `pylock.toml`, `uv.lock` or `pyproject.toml`; or requirements,
            `scikit-learn==1.3.2`, with `python==3.12` among them for the Python. Of a project in `uv.lock` or
            `pyproject.toml` the dependencies are installed, and not the project itself.
        needed_modules: Top-level modules that the files of the model and the samples name. Where `spec` is
            requirements and no file, the distributions that it does not name are added, in any version.
        distributions: The distribution of each module of a library that is known. Names in a file are
            anybody's: a module that is not in this mapping is never installed.
        python: The minor version, or several, to prefer where `spec` names none: what compiled the functions
            in the file.
        run: Runs uv and the interpreters.
        cache: Where environments are kept; `model-scaffold` in the user's cache folder when absent.

    Raises:
        NotAnEnvironmentError: A path leads nowhere, or to something else.
        RequirementFileError: A requirement or a file cannot be read.
        PythonNotFoundError: The Python is not installed, and uv cannot install it.
        PythonTooOldError: The Python is older than 3.10.
        UnresolvableError: uv finds no versions that go together.
        BrokenEnvironmentError: The environment does not work, or cannot take what the worker needs.
    """
    parsed = parse_environment(spec)
    root = cache or default_cache()
    if parsed.interpreter is not None:
        return _open_existing(parsed.interpreter, parsed.label, root, run)
    installable = {
        name: distribution for name in needed_modules if (distribution := (distributions or {}).get(name))
    }
    preferred = (python,) if isinstance(python, str) else tuple(python)
    installed = install_environment(
        parsed, installable, pythons=preferred, folder=root / "environments", run=run
    )
    facts = _probe(installed.python, run)
    overlay = _make_overlay(facts, parsed.label, root, run)
    return _environment(facts, overlay, f"the environment of {parsed.label}", installed.notes)


def default_cache() -> Path:
    """Return the cache folder of environments: `XDG_CACHE_HOME/model-scaffold`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "model-scaffold"


@dataclass(frozen=True, slots=True)
class _Facts:
    """The output of `_PROBE`: paths and versions of an interpreter."""

    python: Path
    """`sys.executable`: the path in `spec` may be a shim of a version manager."""
    version: str
    path: tuple[str, ...]
    prefixes: tuple[str, ...]
    tag: str
    versions: Mapping[str, str]


def _open_existing(interpreter: Path, label: str, root: Path, run: Runner) -> Environment:
    facts = _probe(interpreter, run)
    version = minor_of(facts.version)
    if _number(version) < _number(SUPPORTED[0]):
        raise PythonTooOldError(facts.version, SUPPORTED[0], label)
    if facts.prefixes[0] == sys.prefix and facts.version == platform.python_version():
        return running_environment()
    overlay = _make_overlay(facts, label, root, run)
    return _environment(facts, overlay, label)


def _environment(
    facts: _Facts, overlay: tuple[str, ...], name: str, notes: tuple[str, ...] = ()
) -> Environment:
    return Environment(
        python=facts.python,
        version=minor_of(facts.version),
        full_version=facts.version,
        path=facts.path,
        prefixes=facts.prefixes,
        overlay=overlay,
        description=f"{name} (Python {facts.version})",
        notes=notes,
    )


def _probe(interpreter: Path, run: Runner) -> _Facts:
    """Run `_PROBE` in an interpreter. Its last line is the result: site hooks may print before."""
    names = (*WORKER_NEEDS, *_NEEDED_BY_THEM)
    try:
        completed = run([str(interpreter), "-I", "-B", "-c", _PROBE, *names], timeout_s=_PROBE_TIMEOUT_S)
        facts = json.loads(completed.stdout.strip().splitlines()[-1])
        return _Facts(
            python=Path(facts["executable"] or interpreter),
            version=facts["version"],
            path=tuple(facts["path"]),
            prefixes=unique(facts["prefixes"]),
            tag=facts["tag"],
            versions=facts["versions"],
        )
    except CommandError as error:
        end = error.tail.strip().splitlines() or ["no message"]
        raise NotAnEnvironmentError(str(interpreter), "run", cause=end[-1]) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise NotAnEnvironmentError(str(interpreter), "python") from error


def _make_overlay(facts: _Facts, label: str, root: Path, run: Runner) -> tuple[str, ...]:
    """Return the overlay folders: this package, and the worker's requirements that the environment lacks."""
    missing = {name: specifier for name, specifier in WORKER_NEEDS.items() if name not in facts.versions}
    for name, specifier in WORKER_NEEDS.items():
        version = facts.versions.get(name)
        if version and not SpecifierSet(specifier).contains(version, prereleases=True):
            raise LibraryTooOldError(label, name, version, specifier)
    if not missing:
        return (_package_folder(root),)
    return (_package_folder(root), _ensure_overlay(facts, missing, label, root, run))


def _package_folder(root: Path) -> str:
    """Return a folder with a link to this package only, so that its libraries are not on the path."""
    folder = root / "package" / _digest(str(PACKAGE))
    link = folder / PACKAGE.name
    if not link.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(PACKAGE, target_is_directory=True)
    return str(folder)


def _ensure_overlay(facts: _Facts, missing: Mapping[str, str], label: str, root: Path, run: Runner) -> str:
    pins = [f"{name}=={facts.versions[name]}" for name in _NEEDED_BY_THEM if name in facts.versions]
    requirements = [f"{name}{specifier}" for name, specifier in missing.items()]
    target = (
        root / "overlays" / _digest(minor_of(facts.version), facts.tag, __version__, *requirements, *pins)
    )
    if target.is_dir():
        return str(target)
    command = [uv_command(), "pip", "install", "--quiet", "--only-binary", ":all:"]
    try:
        # Pins are requirements too: a name that is listed twice has one version.
        command += ["--python", str(facts.python), *requirements, *pins, "--target"]
        make_once(target, lambda folder: _run_uv([*command, str(folder)], run))
    except CommandError as error:
        cause = next(
            (line for line in error.tail.splitlines()[::-1] if "because" in line.lower()), error.tail
        )
        raise LibrariesConflictError(label, requirements, pins, cause.strip()) from error
    return str(target)


def _run_uv(command: Sequence[str], run: Runner) -> None:
    run(command, env=uv_python_environment())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
