"""The lock: every distribution of the service, pinned, with the hashes of its files. Made by uv."""

from __future__ import annotations

import concurrent.futures
import os
import platform
import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from scaffold.base.base_image import uv_platform
from scaffold.base.files import sha256_file
from scaffold.base.layout import LOCK, README, REQUIREMENTS, WHEELS
from scaffold.base.lockfile import FIND_LINKS, Lock, Pin
from scaffold.base.process import Runner, run_command
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError
from scaffold.resolve.lock._failures import cause_of, explained_failure
from scaffold.spec import LocalSource, Requirement

PLATFORMS = ("linux/amd64", "linux/arm64")
# uv's name of a platform, and its marker.
_UV_PLATFORMS = {
    "linux/amd64": (uv_platform("x86_64"), "x86_64"),
    "linux/arm64": (uv_platform("aarch64"), "aarch64"),
}
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
# The check whether PyTorch's index is reachable must be quick.
_QUICK = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "10"}
_PUBLIC_INDEX = "https://pypi.org/simple"
LARGEST_WHEEL_BYTES = 32 << 20
_COPY_IT = f"copy it into {WHEELS}/ of the project before it is installed or built elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledLock:
    """The text of `requirements.txt`, and notes for the user."""

    text: str
    notes: tuple[str, ...] = ()
    wheels: tuple[LocalSource, ...] = ()
    """Wheels from folders of this machine, which go with the service."""


def make_lock(
    requirements: Sequence[Requirement],
    constraints: Mapping[str, str],
    *,
    python: str,
    platforms: Sequence[str] = PLATFORMS,
    wheels: Sequence[LocalSource] = (),
    torch: str = "",
    environment: Mapping[str, str] | None = None,
    run: Runner = run_command,
) -> CompiledLock:
    """Lock `requirements` with their transitive dependencies.

    Args:
        requirements: The lines of `requirements.in`.
        constraints: The version of every distribution that may come along, by name.
        python: `3.11`.
        platforms: Of `PLATFORMS`. The first must work; where another does not, a note says so.
        wheels: Wheels that go with the service, at the paths by which `requirements` name them.
        torch: The build of torch that is wanted, `cpu` or `cu130`: its makers' index has it, where that can
            be reached. Empty: what the other indexes have.
        environment: The variables that uv runs under; the user's own, and what they told pip.
        run: Runs uv.

    Raises:
        NoSuchVersionError: An index does not have a version.
        ConflictError: Two of them cannot be installed together.
        LockFailedError: uv fails in another way.
    """
    with TemporaryFolder("lock") as name:
        folder = Path(name)
        _write(folder / REQUIREMENTS, [str(requirement) for requirement in requirements])
        _write(folder / "constraints.txt", [f"{name}=={version}" for name, version in constraints.items()])
        for wheel in wheels:
            (folder / wheel.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / wheel.path).write_bytes(wheel.content)
        compiler = _Compiler(
            uv=uv_command(),
            folder=folder,
            python=python,
            environment=_find_links_environment(folder / WHEELS, uv_environment(environment))
            if wheels
            else uv_environment(environment),
            run=run,
            project=_project(Path.cwd()),
            torch=torch,
            labelled=constraints.get("torch", "").endswith(f"+{torch}"),
        )
        locks, failed = compiler.compile_all(platforms)
        pins = _merged(locks)
        shipped, absent = _from_folders(pins, {wheel.path for wheel in wheels})
    if platforms[0] in failed:
        raise explained_failure(failed[platforms[0]].tail, requirements) from failed[platforms[0]]
    notes = [
        f"not locked for {target}: {cause_of(error.tail).partition(' and you require')[0]}"
        for target, error in failed.items()
    ]
    if torch == "cpu" and any(pin.line.startswith(("nvidia-", "cuda-")) for pin in pins):
        notes.append("torch comes with CUDA: no reachable index has a build for the CPU alone")
    notes += [f"{name} is only in a folder of this machine, and large: {_COPY_IT}" for name in absent]
    return CompiledLock(text=_text(pins, python, tuple(locks), absent), notes=tuple(notes), wheels=shipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiler:
    """Runs uv on the files in a folder."""

    uv: str
    folder: Path
    python: str
    environment: Mapping[str, str]
    run: Runner
    project: tuple[str, ...]
    """The option that names the user's project, where that has settings for uv."""
    torch: str
    labelled: bool
    """Whether the version says which build it is: then it is looked for where it came from first."""

    def compile_all(self, platforms: Sequence[str]) -> tuple[dict[str, list[Pin]], dict[str, CommandError]]:
        """Lock for each platform and for this machine, where the proof runs: the locks and the failures."""
        targets = list(dict.fromkeys([*platforms, _running()]))
        with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
            futures = {target: pool.submit(self.compile, target) for target in targets}
        locks: dict[str, list[Pin]] = {}
        failed: dict[str, CommandError] = {}
        for target, future in futures.items():
            try:
                locks[target] = future.result()
            except CommandError as error:
                failed[target] = error
        return locks, failed

    def compile(self, target: str) -> list[Pin]:
        """Lock for one platform.

        Every version is known, so that uv's cache is as good as the index and is searched first. Indexes that
        are folders of this machine are searched last: an image cannot reach them.
        """
        attempts = [
            (environment, offline) for environment in self._environments() for offline in (True, False)
        ]
        for number, (environment, offline) in enumerate(attempts, start=1):
            try:
                done = self.run(self._command(target, offline), cwd=self.folder, env=environment)
            except CommandError:
                if number == len(attempts):
                    raise
            else:
                return list(Lock.parse(done.stdout).pins)
        raise AssertionError("there is at least one attempt")

    def _environments(self) -> list[Mapping[str, str]]:
        indexes = self.environment.get("UV_INDEX", "").split()
        remote = [index for index in indexes if not index.startswith(("file:", "/"))]
        environments = [self.environment]
        if len(remote) < len(indexes):
            environments.insert(0, {**self.environment, "UV_INDEX": " ".join(remote)})
        if self.torch and "UV_TORCH_BACKEND" not in self.environment:
            makers = {**environments[0], **_QUICK, "UV_TORCH_BACKEND": self.torch}
            environments.insert(len(environments) if self.labelled else 0, makers)
        return environments

    def _command(self, target: str, offline: bool) -> list[str]:
        command = [self.uv, "pip", "compile", REQUIREMENTS, "--constraint", "constraints.txt"]
        command += self.project
        command += ["--generate-hashes", "--no-header", "--emit-index-annotation", "--quiet"]
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        command += (
            ["--python", sys.executable] if self.python == running else ["--python-version", self.python]
        )
        if target in _UV_PLATFORMS:
            command += ["--python-platform", _UV_PLATFORMS[target][0]]
        return [*command, "--offline"] if offline else command


def _project(folder: Path) -> tuple[str, ...]:
    """Return `--project` if `folder` or a parent has settings for uv, which apply to projects below it."""
    for place in (folder, *folder.parents):
        pyproject = place / "pyproject.toml"
        if (place / "uv.toml").is_file() or (pyproject.is_file() and b"[tool.uv" in pyproject.read_bytes()):
            return ("--project", str(place))
    return ()


def _running() -> str:
    """The platform of this process, in the words of `PLATFORMS` where it is one of them."""
    machine = platform.machine()
    return _MACHINES.get(machine, machine) if sys.platform == "linux" else f"{sys.platform}/{machine}"


def _merged(locks: Mapping[str, Sequence[Pin]]) -> list[Pin]:
    """Merge the locks of all platforms; a pin that differs by platform gets a marker."""
    lines: dict[str, dict[str, Pin]] = {}
    for target, pins in locks.items():
        for pin in pins:
            lines.setdefault(pin.line, {})[target] = pin
    merged = []
    for _, pins_by_target in sorted(lines.items(), key=lambda item: item[0].lower()):
        first = next(iter(pins_by_target.values()))
        hashes = sorted({value for pin in pins_by_target.values() for value in pin.hashes})
        via = sorted({source for pin in pins_by_target.values() for source in pin.via})
        if len(pins_by_target) < len(locks):
            first = replace(first, marker=_marker(pins_by_target))
        merged.append(replace(first, hashes=tuple(hashes), via=tuple(via), text=""))
    return merged


def _marker(targets: Mapping[str, object]) -> str:
    terms = [
        f"platform_machine == '{_UV_PLATFORMS[target][1]}'"
        if target in _UV_PLATFORMS
        else f"sys_platform == '{target.partition('/')[0]}'"
        for target in targets
    ]
    return " or ".join(terms)


def _find_links_environment(wheels: Path, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment in which uv also searches the folder of packed wheels."""
    folders = [environment.get("UV_FIND_LINKS", ""), str(wheels)]
    return {**environment, "UV_FIND_LINKS": ",".join(filter(None, folders))}


def _from_folders(
    pins: Sequence[Pin], locked_paths: Set[str]
) -> tuple[tuple[LocalSource, ...], tuple[str, ...]]:
    """Return the wheels that only local folders have, and the names of distributions too large to ship.

    A local index with a folder for each name is a mirror of another index; its files are not shipped.
    """
    shipped: list[LocalSource] = []
    absent: list[str] = []
    for pin in pins:
        name = pin.name
        for file in _files_in(pin.index):
            if (
                not canonicalize_name(file.name).startswith(f"{name}-")
                or f"{WHEELS}/{file.name}" in locked_paths
            ):
                continue
            if f"sha256:{sha256_file(file)}" not in pin.hashes:
                continue
            if file.stat().st_size > LARGEST_WHEEL_BYTES:
                absent.append(file.name)
            else:
                reason = f"{name} is from a folder of wheels"
                shipped.append(
                    LocalSource(path=f"{WHEELS}/{file.name}", content=file.read_bytes(), reason=reason)
                )
    if absent:
        lines = [
            f"What {LOCK} names and no index has belongs here:",
            "",
            *(f"    {name}" for name in absent),
        ]
        content = "\n".join([*lines, ""]).encode()
        reason = "for wheels too large to go along"
        shipped.append(LocalSource(path=f"{WHEELS}/{README}", content=content, reason=reason))
    return tuple(shipped), tuple(absent)


def _files_in(index: str) -> list[Path]:
    """The files that lie in the folder of this machine that an index is, if it is one."""
    folder = Path(unquote(urlsplit(index).path)) if index.startswith("file://") else None
    return sorted(file for file in folder.iterdir() if file.is_file()) if folder and folder.is_dir() else []


def _text(pins: Sequence[Pin], python: str, targets: Sequence[str], absent: Sequence[str] = ()) -> str:
    indexes = sorted({pin.index for pin in pins if _is_shared(pin.index)})
    public = any(pin.index.rstrip("/") == _PUBLIC_INDEX for pin in pins)
    head = [f"# Locked from {REQUIREMENTS} for Python {python} on {', '.join(targets)}."]
    # If all packages are from one private index, the public index must not be queried.
    only = indexes if len(indexes) == 1 and not public else []
    head += [f"--index-url {index}" for index in only]
    head += [f"--extra-index-url {index}" for index in indexes if index not in only]
    head += [f"# {name} belongs in {WHEELS}/: no index has it." for name in absent]
    head += [FIND_LINKS] if any(_files_in(pin.index) for pin in pins) else []
    return "\n".join([*head, "", *map(str, pins), ""])


def _is_shared(index: str) -> bool:
    """Whether the index is on a server, and is not PyPI."""
    return index.startswith(("https://", "http://")) and index.rstrip("/") != _PUBLIC_INDEX


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}{os.linesep}" for line in sorted(lines)))
