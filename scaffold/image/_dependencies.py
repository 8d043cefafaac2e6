"""The lock, installed by uv for the image's platform as the virtual environment of the image.

uv unpacks wheels for any platform on any machine; no interpreter of the target is needed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scaffold.base.process import Runner
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError, PackagesError
from scaffold.image._tar import Entry, file_entries, text_entry

# Names of a machine: in images, and in wheels.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The Python of the base image."""

    path: str
    """`/usr/local/bin/python3.11`."""
    version: str
    """`3.11`."""
    libc: str
    """`glibc 2.36`, or `musl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed distribution."""

    name: str
    version: str
    size_bytes: int
    kind: str = "pypi"
    """As package URLs have it: `pypi`, `deb/debian`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageIndex:
    """A package index in place of those that uv and pip on this machine are configured with."""

    url: str | None = None
    netrc: Path | None = None
    ca_bundle: Path | None = None

    def environment(self) -> dict[str, str]:
        """Return uv's environment. A password is passed in a file or a variable, never on a command line."""
        environment = uv_environment()
        if self.url:
            environment["UV_DEFAULT_INDEX"] = self.url
        if self.netrc:
            environment["NETRC"] = os.fspath(self.netrc.absolute())
        if self.ca_bundle:
            environment["SSL_CERT_FILE"] = os.fspath(self.ca_bundle.absolute())
        return environment


def install_packages(
    lock: Path, folder: Path, *, platform: str, interpreter: Interpreter, index: PackageIndex, run: Runner
) -> None:
    """Install what `lock` names, hashes checked, into `folder`.

    Args:
        lock: The lock, whose local wheels lie beside it.
        folder: The folder for the packages.
        platform: `linux/amd64`.
        interpreter: The Python of the image.
        index: The package index.
        run: Runs uv.

    Raises:
        PackagesError: No wheel fits the platform, a hash differs, or no index answers.
    """
    command = [
        *(uv_command(), "pip", "install", "--quiet", "--no-config", "--no-deps", "--require-hashes"),
        *("--python", sys.executable, "--python-version", interpreter.version),
        *("--python-platform", _uv_platform(platform, interpreter)),
        *("--target", str(folder.absolute()), "--requirement", str(lock.absolute())),
    ]
    # A path of the lock, ./wheels/..., is meant from where the lock lies.
    uv = partial(run, cwd=lock.parent, env=index.environment())
    try:
        # If uv has all wheels in its cache, it does not query the index.
        uv([*command, "--offline"])
    except CommandError:
        try:
            uv(command)
        except CommandError as error:
            raise PackagesError(platform, interpreter.version, error.tail) from error
    machine = MACHINES[platform.rpartition("/")[2]]
    for wheel in sorted(folder.glob("*.dist-info/WHEEL")):
        tags = [
            line.partition(": ")[2] for line in wheel.read_text().splitlines() if line.startswith("Tag: ")
        ]
        if tags and not any(tag.endswith(("-any", f"_{machine}")) and "macos" not in tag for tag in tags):
            name = wheel.parent.name.partition("-")[0]
            raise PackagesError(platform, interpreter.version, compiled=(name, tags[0]))


def environment_entries(folder: Path, target: str, interpreter: Interpreter) -> Iterator[Entry]:
    """Yield the packages in `folder` as the virtual environment `target`, e.g. `opt/venv`."""
    packages = f"{target}/lib/python{interpreter.version}/site-packages"
    scripts = dict(_scripts(folder, f"/{target}/bin/python"))
    for entry in file_entries(folder, packages, skip=_is_left_out):
        if entry.name.endswith(".dist-info/RECORD") and entry.source:
            entry = text_entry(entry.name, _record(Path(entry.source), scripts))
        yield entry
    for name, content in scripts.items():
        yield text_entry(f"{target}/bin/{name}", content, executable=True)
    home = interpreter.path.rpartition("/")[0]
    settings = f"home = {home}\ninclude-system-site-packages = false\nversion = {interpreter.version}\n"
    yield text_entry(f"{target}/pyvenv.cfg", settings.encode())
    yield Entry(name=f"{target}/bin/python3", link=interpreter.path)
    yield Entry(name=f"{target}/bin/python", link="python3")
    yield Entry(name=f"{target}/bin/python{interpreter.version}", link="python3")


def installed_packages(folder: Path) -> tuple[Package, ...]:
    """Return the installed distributions, each with the bytes that its RECORD counts."""
    packages = []
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        name, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
        with record.open(newline="", encoding="utf-8") as file:
            size_bytes = sum(int(row[2]) for row in csv.reader(file) if len(row) == 3 and row[2])
        packages.append(Package(name=name.replace("_", "-").lower(), version=version, size_bytes=size_bytes))
    return tuple(packages)


def largest_packages(packages: Iterable[Package]) -> tuple[tuple[str, int], ...]:
    """Return names and bytes of the five largest, the largest first."""
    ordered = sorted(packages, key=lambda package: (-package.size_bytes, package.name))
    return tuple((package.name, package.size_bytes) for package in ordered[:5])


def _uv_platform(platform: str, interpreter: Interpreter) -> str:
    machine = MACHINES[platform.rpartition("/")[2]]
    kind, _, version = interpreter.libc.partition(" ")
    if kind == "musl":
        return f"{machine}-unknown-linux-musl"
    minor = int(version.partition(".")[2])
    # The newest platform that uv knows and the base supports.
    glibc_minors = (17, 28, *range(31, 41))
    return f"{machine}-manylinux_2_{max((n for n in glibc_minors if n <= minor), default=17)}"


def _is_left_out(relative: str) -> bool:
    """Whether a file is specific to this machine: commands (written separately), uv's records, bytecode."""
    return relative.startswith("bin/") or relative == ".lock" or relative.endswith((".pyc", "/uv_cache.json"))


def _scripts(folder: Path, python: str) -> Iterator[tuple[str, bytes]]:
    """Yield the commands of the packages, with the image's Python in the first line."""
    for path in sorted(folder.glob("bin/*")):
        content = path.read_bytes()
        first, newline, body = content.partition(b"\n")
        if first.startswith(b"#!") and b"python" in first:
            content = b"#!" + python.encode() + newline + body
        elif first == b"#!/bin/sh" and body.startswith(b"'''exec'"):
            # A shebang has a length limit: a longer path is called by a line for sh and Python.
            content = b"#!" + python.encode() + newline + body.split(b"\n", 2)[2]
        yield path.name, content


def _record(record: Path, scripts: Mapping[str, bytes]) -> bytes:
    """Return the RECORD of a distribution with the new paths and hashes of its commands."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = list(csv.reader(record.read_text("utf-8").splitlines()))
    for row in sorted(rows):
        if row[0].endswith("/uv_cache.json"):
            continue
        name = row[0].removeprefix("bin/")
        if row[0] != name and name in scripts:
            digest = base64.urlsafe_b64encode(hashlib.sha256(scripts[name]).digest()).rstrip(b"=").decode()
            row = [f"../../../bin/{name}", f"sha256={digest}", str(len(scripts[name]))]
        writer.writerow(row)
    return text.getvalue().encode()
