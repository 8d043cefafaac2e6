"""The Debian packages of a base image, and their sources."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scaffold.image.debian._control import STATUS

_OF_BASE = re.compile(
    rf"{STATUS}|etc/apt/apt\.conf(\.d/.+)?|etc/apt/sources\.list(\.d/.+)?|(usr/share|etc/apt)/keyrings/.+\.gpg|etc/apt/trusted\.gpg\.d/.+\.gpg"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debian:
    """The package lists and sources of a base image."""

    files: Mapping[str, bytes]
    links: Mapping[str, str]
    """Folders of the root that lie elsewhere: `lib` in `usr/lib`."""


def read_debian(members: Iterable[tuple[tarfile.TarInfo, Callable[[], bytes]]]) -> Debian:
    """Return the package lists and sources from the members of a base's layers, in order."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for member, content in members:
        name = posixpath.normpath(member.name).lstrip("/")
        if member.issym() and "/" not in name:
            links[name] = member.linkname.strip("/")
        elif member.isfile() and _OF_BASE.fullmatch(name):
            files[name] = content()
    return Debian(files=files, links=links)
