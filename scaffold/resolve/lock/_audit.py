"""The audit of a project's lock: bill of materials, licences, known vulnerabilities."""

from __future__ import annotations

import importlib.metadata as metadata
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.base.checked import path_below
from scaffold.base.files import sha256_file
from scaffold.base.layout import LOCK
from scaffold.base.lockfile import Pin
from scaffold.base.locks import lock_file, open_lock
from scaffold.base.process import Runner, run_command
from scaffold.base.sbom import application, bill_of_materials, library, model, package_url
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import CommandError, NotAProjectError

_UNKNOWN = "unknown"
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One distribution of the lock."""

    name: str
    version: str
    licence: str
    """As its metadata says it, where it is installed here in this version; else `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """A known vulnerability of a distribution."""

    name: str
    version: str
    id: str
    fixed_in: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of `scaffold audit`."""

    components: tuple[Component, ...]
    vulnerabilities: tuple[Vulnerability, ...] | None
    """None if pip-audit could not be asked."""
    sbom: str
    """CycloneDX 1.6, JSON."""
    notes: tuple[str, ...] = ()
    """What was not looked up, and why."""


def audit_project(root: Path, models: Sequence[Path] = (), *, run: Runner = run_command) -> Audit:
    """Return the components of a project's lock and their known vulnerabilities.

    Args:
        root: A project with a `requirements.txt` or a `uv.lock`.
        models: Its model files, for the bill of materials.
        run: Runs pip-audit, through uv.

    Raises:
        UsageError: It has no lock.
        UnsafeLockError: A line of the lock is more than a pinned distribution.
    """
    path_below(root, LOCK)  # refuses a symlink
    if not lock_file(root):
        raise NotAProjectError(str(root), (LOCK,), "audit")
    pins = open_lock(root, run).pins
    components = tuple(
        Component(name=pin.name, version=pin.version, licence=_licence(pin.name, pin.version)) for pin in pins
    )
    vulnerabilities, notes = find_vulnerabilities(pins, run)
    return Audit(
        components=components,
        vulnerabilities=vulnerabilities,
        sbom=json.dumps(_sbom(root, models, pins, components), indent=2) + "\n",
        notes=notes,
    )


def _licence(name: str, version: str) -> str:
    try:
        headers = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return _UNKNOWN
    if headers["Version"] != version:
        return _UNKNOWN
    classifiers = [line for line in headers.get_all("Classifier") or () if line.startswith("License :: ")]
    classified = ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    licence_text = (headers["License"] or "").strip()
    # Some metadata has the whole text of the licence in place of its name.
    licence_name = (
        licence_text
        if licence_text and "\n" not in licence_text and len(licence_text) < _LONGEST_NAME
        else ""
    )
    return headers["License-Expression"] or licence_name or classified or _UNKNOWN


def find_vulnerabilities(
    pins: Sequence[Pin], run: Runner = run_command
) -> tuple[tuple[Vulnerability, ...] | None, tuple[str, ...]]:
    """Return the known vulnerabilities of `pins`, or None without a lookup; and notes on skipped pins.

    Args:
        pins: Pins of a lock.
        run: Runs pip-audit, through uv.
    """
    releases = [pin for pin in pins if pin.is_release]
    vulnerabilities, notes = _run_pip_audit(releases, run) if releases else ((), ())
    if vulnerabilities is not None:
        local_names = [pin.name for pin in pins if not pin.is_release]
        notes = (*notes, *(f"{name} was not looked up: it is no release of an index" for name in local_names))
    return vulnerabilities, notes


def _run_pip_audit(
    pins: Sequence[Pin], run: Runner
) -> tuple[tuple[Vulnerability, ...] | None, tuple[str, ...]]:
    """Return the vulnerabilities from pip-audit, or None without a lookup; and notes on skipped pins."""
    with TemporaryFolder("audit") as folder:
        lock, report = Path(folder) / LOCK, Path(folder) / "report.json"
        lock.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        command = [uv_command(), "tool", "run", "--quiet", "pip-audit", "--requirement", str(lock)]
        command += ["--disable-pip", "--no-deps", "--format", "json", "--output", str(report)]
        cause = ""
        try:
            run([*command, "--progress-spinner", "off"], env=uv_environment())
        except CommandError as error:
            cause = error.tail.strip().rpartition("\n")[2]  # the status also for findings
        if not report.is_file():
            if os.environ.get("UV_OFFLINE", "0").lower() not in ("", "0", "false"):
                cause = "UV_OFFLINE is set, and pip-audit is fetched from the package index."
            return None, (f"vulnerabilities could not be looked up: {cause}",)
        dependencies = json.loads(report.read_text())["dependencies"]
    skipped = {
        dependency["name"]: dependency["skip_reason"]
        for dependency in dependencies
        if "skip_reason" in dependency
    }
    if pins and len(skipped) == len(dependencies):
        cause = next(iter(skipped.values()), "pip-audit reports none of them")
        return None, (f"vulnerabilities could not be looked up: {cause}",)
    notes = [f"{name} was not looked up: {reason}" for name, reason in skipped.items()]
    return tuple(
        Vulnerability(
            name=dependency["name"],
            version=dependency["version"],
            id=vulnerability["id"],
            fixed_in=tuple(vulnerability["fix_versions"]),
            description=vulnerability.get("description", "").strip(),
        )
        for dependency in dependencies
        for vulnerability in dependency.get("vulns", ())
    ), tuple(notes)


def _sbom(
    root: Path, models: Sequence[Path], pins: Sequence[Pin], components: Sequence[Component]
) -> Mapping[str, Any]:
    references = {one.name: package_url(one.name, one.version) for one in components}
    libraries = [
        library(one.name, one.version, licence="" if one.licence == _UNKNOWN else one.licence)
        for one in components
    ]
    model_components = [model(path.name, sha256_file(path)) for path in models]
    return bill_of_materials(
        application(root.resolve().name),
        [*model_components, *libraries],
        _graph(pins, components, references),
        seed=sha256_file(root / lock_file(root)),
    )


def _graph(
    pins: Sequence[Pin], components: Sequence[Component], references: Mapping[str, str]
) -> Mapping[str, Sequence[str]]:
    """Return the dependency graph, from the comments of the lock."""
    required: dict[str, list[str]] = {"service": [], **{reference: [] for reference in references.values()}}
    for pin, one in zip(pins, components, strict=True):
        for source in pin.via:
            required[references.get(source, "service")].append(references[one.name])
    return required
