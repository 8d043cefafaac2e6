"""The installed distributions, by their metadata: their modules and their requirements."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.metadata as metadata
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from typing import Any

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

_MODULE_FILE = re.compile(r"^([^.]+)(?:\.[\w-]+)*\.(?:py|so|pyd)$")


@dataclass(frozen=True, eq=False)
class Installed:
    """One installed distribution."""

    name: str
    """Normalised."""
    version: str
    metadata: metadata.Distribution

    @functools.cached_property
    def requires(self) -> tuple[Parsed, ...]:
        """The requirements, with extras and markers; invalid lines are skipped."""
        return tuple(_parsed(self.metadata.requires or ()))

    @functools.cached_property
    def files(self) -> tuple[tuple[str, ...], ...]:
        """The path parts of the distribution's modules, relative to the installation folder."""
        record = self.metadata.read_text("RECORD")
        if record is None:
            names = (self.metadata.read_text("top_level.txt") or self.name.replace("-", "_")).split()
            return tuple((name, "__init__.py") for name in names)
        paths = (line.partition(",")[0].strip('"') for line in record.splitlines())
        return tuple(
            tuple(path.split("/"))
            for path in paths
            if path.endswith((".py", ".so", ".pyd")) and path[0] != "."
        )

    @functools.cached_property
    def origin(self) -> Mapping[str, Any]:
        """The content of `direct_url.json`; empty for a distribution from an index. Source: PEP 610."""
        text = self.metadata.read_text("direct_url.json")
        try:
            origin = json.loads(text) if text else {}
        except ValueError:
            return {}
        return origin if isinstance(origin, dict) else {}

    def has_own(self, module: str) -> bool:
        """Whether the module's top-level package on disk is still the one from this distribution."""
        top = module.partition(".")[0]
        for path in self.metadata.files or ():
            if path.as_posix() in (f"{top}/__init__.py", f"{top}.py") and path.hash:
                digest = hashlib.new(path.hash.mode, path.read_binary()).digest()
                return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == path.hash.value
        return False

    @property
    def is_from_index(self) -> bool:
        """Whether the version alone identifies the distribution. conda records the folder of its build."""
        return not self.origin.get("url") or self.metadata.read_text("INSTALLER") == "conda"

    @property
    def is_editable(self) -> bool:
        """Whether the distribution is an editable install."""
        return bool(self.origin.get("dir_info", {}).get("editable"))


def _headers(distribution: metadata.Distribution) -> Message:
    """Name, version and the like; `distribution.metadata` would parse the description, which is long."""
    text = (
        distribution.read_text("METADATA")
        or distribution.read_text("PKG-INFO")
        or distribution.read_text("")
        or ""
    )
    return message_from_string(text.partition("\n\n")[0])


class Installation:
    """All the distributions that an interpreter with this `sys.path` finds."""

    def __init__(self, path: Sequence[str] | None = None) -> None:
        self.by_name: dict[str, Installed] = {}
        for distribution in metadata.distributions(path=list(sys.path if path is None else path)):
            headers = _headers(distribution)
            name = headers["Name"]
            if name and _is_installed(distribution):
                key = canonicalize_name(name)
                self.by_name.setdefault(key, Installed(key, headers["Version"], distribution))

    @functools.cached_property
    def owners(self) -> Mapping[str, tuple[str, ...]]:
        """Distribution names by module; for a namespace package, by each of its submodules."""
        packages = {
            parts[:-1]
            for installed in self.by_name.values()
            for parts in installed.files
            if parts[-1] == "__init__.py"
        }
        owners: dict[str, dict[str, None]] = {}
        for name, installed in self.by_name.items():
            for module in {_module(parts, packages) for parts in installed.files} - {None}:
                owners.setdefault(module or "", {})[name] = None
        return {module: tuple(names) for module, names in owners.items()}

    @functools.cached_property
    def folders(self) -> tuple[str, ...]:
        """The folders that distributions are installed into."""
        return tuple(sorted({_folder(installed.metadata) for installed in self.by_name.values()}))

    def owners_of(self, module: str) -> tuple[str, ...]:
        """Return the distributions that provide `module`: none for the standard library and local code."""
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            if owners := self.owners.get(".".join(parts[:end])):
                return owners
        return ()

    def owner_of(self, module: str) -> str | None:
        """Return the distribution of `module`; of several, the distribution whose file is on disk."""
        owners = sorted(self.owners_of(module))
        with_file = (name for name in owners if len(owners) == 1 or self.by_name[name].has_own(module))
        return next(with_file, owners[0] if owners else None)

    def closure(self, names: Iterable[str]) -> dict[str, Installed]:
        """Return the installed distributions among `names` and all that they require, by name."""
        done: dict[str, set[str]] = {}
        queue: list[tuple[str, frozenset[str]]] = [(canonicalize_name(name), frozenset()) for name in names]
        while queue:
            name, extras = queue.pop()
            if name not in self.by_name or (name in done and extras <= done[name]):
                continue
            done.setdefault(name, set()).update(extras)
            queue += self._required(name, extras)
        return {name: self.by_name[name] for name in sorted(done)}

    def _required(self, name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
        for requirement in self.by_name[name].requires:
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _folder(distribution: metadata.Distribution) -> str:
    return os.path.abspath(str(distribution.locate_file("")))  # noqa: PTH100 - as entries of sys.path are


def _is_installed(distribution: metadata.Distribution) -> bool:
    """Whether the distribution is installed: a build leaves an `*.egg-info` in the user's folder, too."""
    folders = ("site-packages", "dist-packages")
    return os.path.basename(_folder(distribution)) in folders or distribution.read_text("RECORD") is not None  # noqa: PTH119


def _module(parts: tuple[str, ...], packages: set[tuple[str, ...]]) -> str | None:
    """The module that owns the file at `parts`: its topmost regular package, or the file's own."""
    for end in range(1, len(parts)):
        if not parts[end - 1].isidentifier():
            return None
        if parts[:end] in packages:
            return ".".join(parts[:end])
    match = _MODULE_FILE.match(parts[-1])
    return ".".join((*parts[:-1], match[1])) if match else None


def _parsed(lines: Iterable[str]) -> Iterator[Parsed]:
    for line in lines:
        try:
            yield Parsed(line)
        except InvalidRequirement:
            continue
