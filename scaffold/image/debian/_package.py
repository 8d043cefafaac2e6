"""A `.deb` file, unpacked."""

from __future__ import annotations

import io
import posixpath
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from scaffold.image._tar import Entry

# As in Debian's slim images: licences stay.
_LEFT_OUT = re.compile(r"usr/share/(doc/(?!.*/copyright$)|man/|info/|locale/|lintian/|bug/)")


def unpack_deb(
    name: str, content: bytes, links: Mapping[str, str], folder: Path
) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """Return the files of a package by their path in the image, and its control files."""
    members = {member.partition(".")[0]: packed for member, packed in _ar_members(content)}
    control, archive = members["control"], members["data"]
    entries: dict[str, Entry] = {}
    with tarfile.open(fileobj=io.BytesIO(control)) as tar:
        files = ((posixpath.normpath(member.name), tar.extractfile(member)) for member in tar)
        for_dpkg = {name: file.read() for name, file in files if file}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for number, member in enumerate(tar):
            path = target_path(member.name, links)
            if _LEFT_OUT.match(path) or ".." in path.split("/"):
                continue
            if member.issym():
                entries[path] = Entry(name=path, link=member.linkname)
            elif (file := tar.extractfile(member)) is not None:  # a hard link too
                source = folder / f"{name}-{number}"
                with file, source.open("wb") as out:
                    shutil.copyfileobj(file, out)
                entries[path] = Entry(
                    name=path,
                    source=str(source),
                    size_bytes=source.stat().st_size,
                    executable=bool(member.mode & 0o100),
                )
    return entries, for_dpkg


def target_path(name: str, links: Mapping[str, str]) -> str:
    """Return the path of a package's file in the image; links of the base, such as `bin`, are kept."""
    path = posixpath.normpath(name).lstrip("/")
    first, slash, remainder = path.partition("/")
    return f"{links[first]}/{remainder}" if slash and first in links else path


def _ar_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    place = 8
    while place + 60 <= len(content):
        name = content[place : place + 16].decode("ascii", "replace").strip().rstrip("/")
        size_bytes = int(content[place + 48 : place + 58])
        yield name, content[place + 60 : place + 60 + size_bytes]
        place += 60 + size_bytes + size_bytes % 2
