"""The packages of an `apt-get install` in the Dockerfile, as files of a layer."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scaffold.base.process import Runner
from scaffold.errors import (
    NoDebianSourceError,
    NoSuchPackageError,
    UnreadablePackageError,
    WrongHashError,
)
from scaffold.image._dependencies import Package
from scaffold.image._tar import Entry, text_entry
from scaffold.image.debian._archive import Fetch, Index, read_suite, sources
from scaffold.image.debian._base import Debian
from scaffold.image.debian._control import STATUS, Fields, is_met, read_alternatives, read_fields
from scaffold.image.debian._package import target_path, unpack_deb

# A library with several variants is found by a link, which the script of its package requests.
_ALTERNATIVE = re.compile(r"update-alternatives\s+--install\s+/(\S+)\s+(\S+)\s+(/\S+)\s+(\d+)")
_IDLE = re.compile(r"(?m)^\s*(#.*|set -e|exit 0)?$")


def debian_entries(
    names: Sequence[str], base: Debian, architecture: str, folder: Path, *, fetch: Fetch, run: Runner
) -> tuple[list[Entry], tuple[Package, ...], tuple[str, ...]]:
    """Return the files of `names` and of their dependencies that the base lacks, the packages, and notes.

    Args:
        names: `libgomp1`, or `libgomp1=12.2.0-14` for one version.
        base: The package lists and sources of the base.
        architecture: `amd64`.
        folder: An empty folder for unpacked files.
        fetch: Returns the bytes at a URL.
        run: Runs gpgv.

    Raises:
        ImageError: The base is not Debian, a package is not available, a signature or hash is wrong.
    """
    index = Index()
    for source in sources(base):
        read_suite(index, source, architecture, folder, fetch=fetch, run=run)
    if not index.named:
        raise NoDebianSourceError()
    status = [(text, read_fields(text)) for text in base.files.get(STATUS, b"").strip().split(b"\n\n")]
    installed = {fields["Package"]: fields for _, fields in status if "Package" in fields}
    chosen = _closure(names, index, installed)
    entries: dict[str, Entry] = {}
    alternatives = _Alternatives(base.links)
    notes = []
    for name, fields in chosen.items():
        unpacked, control = _unpack_package(name, fields, base, folder, fetch)
        entries |= unpacked
        entries |= _dpkg_entries(name, fields, unpacked, control)
        script = control.get("postinst", b"").decode("utf-8", "replace").replace("\\\n", " ")
        alternatives.read(script)
        if _IDLE.sub("", _ALTERNATIVE.sub("", script)).strip():
            notes.append(f"{name} has a setup script, which only a container runs: --check tries it without.")
    entries |= alternatives.entries()
    unchanged = [text for text, fields in status if fields.get("Package") not in chosen]
    paragraphs = (*unchanged, *(_installed_paragraph(fields).encode() for fields in chosen.values()))
    entries[STATUS] = text_entry(STATUS, b"\n\n".join(paragraphs) + b"\n")
    packages = tuple(
        Package(
            name=name,
            version=fields["Version"],
            size_bytes=1024 * int(fields.get("Installed-Size", 0)),
            kind="deb/debian",
        )
        for name, fields in chosen.items()
    )
    return list(entries.values()), packages, tuple(notes)


def _unpack_package(
    name: str, fields: Fields, base: Debian, folder: Path, fetch: Fetch
) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """Return the files of a package, and its control files."""
    content = fetch(f"{fields['URI']}/{fields['Filename']}")
    if hashlib.sha256(content).hexdigest() != fields["SHA256"]:
        raise WrongHashError(name, package=True)
    try:
        return unpack_deb(name, content, base.links, folder)
    except (tarfile.TarError, KeyError) as error:
        raise UnreadablePackageError(name) from error


def _dpkg_entries(
    name: str, fields: Fields, unpacked: Mapping[str, Entry], control: Mapping[str, bytes]
) -> Iterator[tuple[str, Entry]]:
    """Yield dpkg's records of an installed package: its files and their hashes."""
    multi = f":{fields['Architecture']}" if fields.get("Multi-Arch") == "same" else ""
    listed = "".join(f"/{path}\n" for path in (".", *sorted(unpacked)))
    for kind, text in (("list", listed.encode()), ("md5sums", control.get("md5sums", b""))):
        path = f"var/lib/dpkg/info/{name}{multi}.{kind}"
        yield path, text_entry(path, text)


class _Alternatives:
    """The links that `update-alternatives` would make: of several, the one of the highest priority."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders
        self._chosen: dict[str, tuple[int, str, str]] = {}

    def read(self, script: str) -> None:
        """Record the alternatives that the setup script of a package installs."""
        for link, title, path, priority in _ALTERNATIVE.findall(script):
            place = target_path(link, self._folders)
            self._chosen[place] = max(self._chosen.get(place, (0, "", "")), (int(priority), title, path))

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Each link, and the one below `/etc/alternatives` that it leads to."""
        for link, (_, title, path) in self._chosen.items():
            yield link, Entry(name=link, link=f"/etc/alternatives/{title}")
            yield f"etc/alternatives/{title}", Entry(name=f"etc/alternatives/{title}", link=path)


def _closure(
    names: Sequence[str], index: Index, installed: Mapping[str, Fields]
) -> dict[str, dict[str, str]]:
    """Return the packages to install, with their dependencies, sorted by name."""
    chosen: dict[str, dict[str, str]] = {}
    waiting = []
    for required in names:
        name, pinned, version = required.partition("=")
        waiting.append((required, [(name, "=" if pinned else "", version)]))
    while waiting:
        required, alternatives = waiting.pop()
        if any(is_met(alternative, {**installed, **chosen}) for alternative in alternatives):
            continue
        package = next(filter(None, (index.best(*alternative) for alternative in alternatives)), None)
        if package is None:
            raise NoSuchPackageError(required)
        chosen[package["Package"]] = package
        groups = f"{package.get('Pre-Depends', '')},{package.get('Depends', '')}".split(",")
        waiting += [(group.strip(), list(read_alternatives(group))) for group in groups if group.strip()]
    return dict(sorted(chosen.items()))


def _installed_paragraph(fields: Fields) -> str:
    """Return dpkg's status paragraph of an installed package, which image scanners read."""
    names = (
        "Package Priority Section Installed-Size Maintainer Architecture Multi-Arch Source Version Provides"
    )
    names += " Pre-Depends Depends"
    lines = [f"{name}: {fields[name]}" for name in names.split() if name in fields]
    return "\n".join(
        [
            lines[0],
            "Status: install ok installed",
            *lines[1:],
            f"Description: {fields.get('Description', '')}",
        ]
    )
