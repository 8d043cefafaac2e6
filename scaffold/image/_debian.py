"""Debian packages as files of a layer: what an `apt-get install` of the Dockerfile brings, unpacked here.

Where from, what is installed already and whose signature counts is what the base image says. Nothing is run.

Source: wiki.debian.org/DebianRepository/Format; Debian Policy 5.6.12 and 7.1; deb(5), sources.list(5).
"""

from __future__ import annotations

import datetime as dt
import email.utils
import gzip
import hashlib
import io
import lzma
import posixpath
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold._process import Runner
from scaffold.errors import (
    CommandError,
    DownloadError,
    ListDateError,
    NoDebianSourceError,
    NoSuchPackageError,
    UnreadablePackageError,
    UnsignedListError,
    WrongHashError,
    WrongListError,
)
from scaffold.image._dependencies import Package
from scaffold.image._reference import is_loopback
from scaffold.image._tar import Entry, text_entry

_STATUS = "var/lib/dpkg/status"
_OF_BASE = re.compile(
    rf"{_STATUS}|etc/apt/sources\.list(\.d/.+)?|(usr/share|etc/apt)/keyrings/.+\.gpg|etc/apt/trusted\.gpg\.d/.+\.gpg"
)
_NEEDED = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")
# As in Debian's own slim images, whose dpkg leaves these out: licences stay.
_LEFT_OUT = re.compile(r"usr/share/(doc/(?!.*/copyright$)|man/|info/|locale/|lintian/|bug/)")
# A library of which there are several kinds is found by a link that its package's script asks for.
_ALTERNATIVE = re.compile(r"update-alternatives\s+--install\s+/(\S+)\s+(\S+)\s+(/\S+)\s+(\d+)")
_IDLE = re.compile(r"(?m)^\s*(#.*|set -e|exit 0)?$")
_OPENERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
}

_CLOCK_DIFFERENCE = dt.timedelta(days=1)

Fields = Mapping[str, str]
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debian:
    """What a base image says of its packages."""

    files: Mapping[str, bytes]
    links: Mapping[str, str]
    """Folders of the root that lie elsewhere: `lib` in `usr/lib`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One suite of an archive, as the base names it."""

    uri: str
    suite: str
    components: Sequence[str]
    keys: Sequence[bytes]
    expires: bool
    """Whether its list holds only until the date that it says."""


@dataclass(slots=True)
class _Index:
    """The packages of all sources, by name and by what they provide; taken apart when they are asked for."""

    named: dict[str, list[bytes]] = field(default_factory=dict)
    provided: dict[str, list[str]] = field(default_factory=dict)
    places: dict[bytes, str] = field(default_factory=dict)

    def add(self, listed: bytes, uri: str) -> None:
        for paragraph in listed.split(b"\n\n"):
            if match := re.match(rb"\s*Package: (\S+)", paragraph):
                name = match[1].decode()
                self.named.setdefault(name, []).append(paragraph)
                self.places[paragraph] = uri
                if found := re.search(rb"^Provides: (.+)$", paragraph, re.MULTILINE):
                    for provided, *_ in _alternatives(found[1].decode().replace(",", "|")):
                        self.provided.setdefault(provided, []).append(name)

    def best(self, name: str, relation: str, version: str) -> dict[str, str] | None:
        """The newest package of that name that will do, else one that provides it."""
        for known in (name, *self.provided.get(name, ())):
            found = [
                _fields(paragraph) | {"URI": self.places[paragraph]}
                for paragraph in self.named.get(known, ())
            ]
            fit = [one for one in found if known != name or _fits(one["Version"], relation, version)]
            if fit:
                return max(fit, key=lambda one: _version_key(one["Version"]))
        return None


def read_debian(members: Iterable[tuple[tarfile.TarInfo, Callable[[], bytes]]]) -> Debian:
    """Return what the members of a base's layers, in order, say of its packages."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for member, content in members:
        name = posixpath.normpath(member.name).lstrip("/")
        if member.issym() and "/" not in name:
            links[name] = member.linkname.strip("/")
        elif member.isfile() and _OF_BASE.fullmatch(name):
            files[name] = content()
    return Debian(files=files, links=links)


def fetch_url(url: str, *, ca_bundle: Path | None) -> bytes:
    """Return the bytes at a URL of a package archive.

    Raises:
        ImageError: They cannot be had.
    """
    import requests
    from requests.adapters import HTTPAdapter

    with requests.Session() as session:
        session.mount("http", HTTPAdapter(max_retries=3))
        try:
            response = session.get(url, timeout=60, verify=str(ca_bundle) if ca_bundle else True)
            response.raise_for_status()
        except requests.RequestException as error:
            raise DownloadError(url, type(error).__name__) from error
    return response.content


def debian_entries(
    names: Sequence[str], base: Debian, architecture: str, folder: Path, *, fetch: Fetch, run: Runner
) -> tuple[list[Entry], tuple[Package, ...], tuple[str, ...]]:
    """Return the files of `names` and of what they need beyond the base, the packages, and notes.

    Args:
        names: `libgomp1`, or `libgomp1=12.2.0-14` for one version.
        base: What the base says.
        architecture: `amd64`.
        folder: An empty one, for what is unpacked.
        fetch: Returns the bytes at a URL.
        run: Runs gpgv.

    Raises:
        ImageError: The base is no Debian, a package is not to be had, a signature or hash does not hold.
    """
    index = _Index()
    for source in _sources(base):
        _read_suite(index, source, architecture, folder, fetch=fetch, run=run)
    if not index.named:
        raise NoDebianSourceError()
    status = [(text, _fields(text)) for text in base.files.get(_STATUS, b"").strip().split(b"\n\n")]
    installed = {one["Package"]: one for _, one in status if "Package" in one}
    chosen = _closure(names, index, installed)
    entries: dict[str, Entry] = {}
    links: dict[str, tuple[int, str, str]] = {}
    notes = []
    for name, one in chosen.items():
        content = fetch(f"{one['URI']}/{one['Filename']}")
        if hashlib.sha256(content).hexdigest() != one["SHA256"]:
            raise WrongHashError(name, package=True)
        try:
            unpacked, control = _unpack_deb(name, content, base.links, folder)
        except (tarfile.TarError, KeyError) as error:
            raise UnreadablePackageError(name) from error
        entries |= unpacked
        multi = f":{one['Architecture']}" if one.get("Multi-Arch") == "same" else ""
        listed = "".join(f"/{path}\n" for path in (".", *sorted(unpacked)))
        for kind, text in (("list", listed.encode()), ("md5sums", control.get("md5sums", b""))):
            path = f"var/lib/dpkg/info/{name}{multi}.{kind}"
            entries[path] = text_entry(path, text)
        script = control.get("postinst", b"").decode("utf-8", "replace").replace("\\\n", " ")
        for link, title, path, priority in _ALTERNATIVE.findall(script):
            place = _placed(link, base.links)
            links[place] = max(links.get(place, (0, "", "")), (int(priority), title, path))
        if _IDLE.sub("", _ALTERNATIVE.sub("", script)).strip():
            notes.append(f"{name} has a setup script, which only a container runs: --check tries it without.")
    for link, (_, title, path) in links.items():
        entries[link] = Entry(name=link, link=f"/etc/alternatives/{title}")
        entries[f"etc/alternatives/{title}"] = Entry(name=f"etc/alternatives/{title}", link=path)
    kept = [text for text, one in status if one.get("Package") not in chosen]
    paragraphs = (*kept, *(_installed_paragraph(one).encode() for one in chosen.values()))
    entries[_STATUS] = text_entry(_STATUS, b"\n\n".join(paragraphs) + b"\n")
    packages = tuple(
        Package(
            name=name,
            version=one["Version"],
            size_bytes=1024 * int(one.get("Installed-Size", 0)),
            kind="deb/debian",
        )
        for name, one in chosen.items()
    )
    return list(entries.values()), packages, tuple(notes)


def _sources(base: Debian) -> Iterator[_Source]:
    """Each source of the base, from both kinds of files."""
    rings = {name: content for name, content in sorted(base.files.items()) if name.endswith(".gpg")}
    for name, content in sorted(base.files.items()):
        text = content.decode("utf-8", "replace")
        if name.endswith(".sources"):
            for one in map(_fields, re.sub(r"(?m)^#.*\n", "", text).encode().split(b"\n\n")):
                if "deb" not in one.get("Types", "").split() or one.get("Enabled", "yes") == "no":
                    continue
                for uri in one["URIs"].split():
                    for suite in one["Suites"].split():
                        yield _Source(
                            uri=uri.rstrip("/"),
                            suite=suite,
                            components=one.get("Components", "").split(),
                            keys=_keys(rings, one.get("Signed-By", "")),
                            expires=one.get("Check-Valid-Until", "yes") != "no",
                        )
        elif name.endswith(".list"):
            for line in text.splitlines():
                if match := re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line):
                    options = match[1] or ""
                    named = re.search(r"signed-by=/(\S+)", options)
                    yield _Source(
                        uri=match[2].rstrip("/"),
                        suite=match[3],
                        components=match[4].split(),
                        keys=_keys(rings, named[1] if named else ""),
                        expires="check-valid-until=no" not in options.split(),
                    )


def _keys(rings: Mapping[str, bytes], signed_by: str) -> list[bytes]:
    """The keys that a source may be signed with: the ring that it names, else all of the base's."""
    named = rings.get(signed_by.strip("/"))
    return [named] if named else list(rings.values())


def _read_suite(
    index: _Index, source: _Source, architecture: str, folder: Path, *, fetch: Fetch, run: Runner
) -> None:
    """Add a suite's packages to the index: its list of hashes is signed, and they hold for the rest."""
    checked = shutil.which("gpgv") is not None
    uri = source.uri
    if not checked and not is_loopback(uri.partition("://")[2].partition("/")[0]):
        uri = re.sub("^http:", "https:", uri)  # then the server's certificate has to do
    place = f"{uri}/dists/{source.suite}"
    release = fetch(f"{place}/InRelease")
    text = (_verified(release, uri, source.keys, folder, run) if checked else release).decode(
        "utf-8", "replace"
    )
    _require_current(_fields(text.encode()), source, place, dt.datetime.now(dt.timezone.utc))
    hashes = {path: digest for digest, path in re.findall(r"(?m)^ ([0-9a-f]{64}) +\d+ (\S+)$", text)}
    for component in source.components:
        for ending in (".xz", ".gz", ""):
            path = f"{component}/binary-{architecture}/Packages{ending}"
            if path in hashes:
                listed = fetch(f"{place}/{path}")
                if hashlib.sha256(listed).hexdigest() != hashes[path]:
                    raise WrongHashError(f"{place}/{path}", package=False)
                index.add(_OPENERS[ending](listed), uri)
                break


def _require_current(release: Fields, source: _Source, place: str, now: dt.datetime) -> None:
    """Refuse a list that is signed, and is of another suite or of another time: whoever sends it chose it.

    Source: wiki.debian.org/DebianRepository/Format, "Suite", "Codename" and "Date, Valid-Until".
    """
    names = {release[name] for name in ("Suite", "Codename") if release.get(name)}
    wanted = source.suite.rstrip("/")
    if names and not {wanted, wanted.partition("/")[0]} & names:
        raise WrongListError(place, tuple(sorted(names)), source.suite)
    until = _moment(release.get("Valid-Until", ""), place)
    if until and until < now and source.expires:
        raise ListDateError(place, until, expired=True)
    made = _moment(release.get("Date", ""), place)
    if made and made > now + _CLOCK_DIFFERENCE:
        raise ListDateError(place, made, clock=now)


def _moment(text: str, place: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError as error:
        raise ListDateError(place, text) from error
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)


def _verified(release: bytes, uri: str, keys: Sequence[bytes], folder: Path, run: Runner) -> bytes:
    """What of a signed text is signed, by one of the base's keys."""
    signed, out = folder / "InRelease", folder / "Release"
    signed.write_bytes(release)
    out.unlink(missing_ok=True)
    command = ["gpgv", "--status-fd", "2", "--homedir", str(folder), "--output", str(out)]
    for number, key in enumerate(keys):
        ring = folder / f"{number}.gpg"
        ring.write_bytes(key)
        command += ["--keyring", str(ring)]
    try:
        run([*command, str(signed)])
    except CommandError as error:
        # Archives sign with several keys, and an older base knows some of them: one is enough.
        if " GOODSIG " not in error.tail or " BADSIG " in error.tail:
            raise UnsignedListError(uri) from error
    return out.read_bytes()


def _closure(
    names: Sequence[str], index: _Index, installed: Mapping[str, Fields]
) -> dict[str, dict[str, str]]:
    """The packages that are missing, by name, in the order of their names."""
    chosen: dict[str, dict[str, str]] = {}
    waiting = []
    for asked in names:
        name, pinned, version = asked.partition("=")
        waiting.append((asked, [(name, "=" if pinned else "", version)]))
    while waiting:
        asked, alternatives = waiting.pop()
        if any(_is_met(one, {**installed, **chosen}) for one in alternatives):
            continue
        found = next(filter(None, (index.best(*one) for one in alternatives)), None)
        if found is None:
            raise NoSuchPackageError(asked)
        chosen[found["Package"]] = found
        groups = f"{found.get('Pre-Depends', '')},{found.get('Depends', '')}".split(",")
        waiting += [(group.strip(), list(_alternatives(group))) for group in groups if group.strip()]
    return dict(sorted(chosen.items()))


def _alternatives(group: str) -> Iterator[tuple[str, str, str]]:
    """`a (>= 1) | b` as names, relations and versions."""
    for one in group.split("|"):
        if match := _NEEDED.match(one.strip()):
            yield match[1], match[2] or "", match[3] or ""


def _is_met(needed: tuple[str, str, str], there: Mapping[str, Fields]) -> bool:
    name, relation, version = needed
    if name in there:
        return _fits(there[name]["Version"], relation, version)
    return any(
        name == provided
        for one in there.values()
        if name in one.get("Provides", "")
        for provided, *_ in _alternatives(one["Provides"].replace(",", "|"))
    )


def _fits(found: str, relation: str, wanted: str) -> bool:
    if not relation:
        return True
    left, right = _version_key(found), _version_key(wanted)
    return {
        "<<": left < right,
        "<=": left <= right,
        "=": left == right,
        ">=": left >= right,
        ">>": left > right,
    }[relation]


def _version_key(version: str) -> tuple[Any, ...]:
    """What orders versions as dpkg does: `1.0~rc1` is before `1.0`, letters are before other signs."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    parts = (upstream, revision) if dash else (rest, "")
    orders = {"~": -1}
    return int(epoch), *(
        [
            ([*(orders.get(c, ord(c) + 256 * (not c.isalpha())) for c in signs), 0], int(digits or 0))
            for signs, digits in re.findall(r"(\D*)(\d*)", part)
        ]
        for part in parts
    )


def _fields(paragraph: bytes) -> dict[str, str]:
    """`Name: value` by name; a line that starts with a space goes on."""
    text = re.sub(r"\n[ \t]+", " ", paragraph.decode("utf-8", "replace").strip())
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in pairs if colon}


def _installed_paragraph(one: Fields) -> str:
    """What dpkg would note of an installed package: scanners of images read it."""
    names = (
        "Package Priority Section Installed-Size Maintainer Architecture Multi-Arch Source Version Provides"
    )
    names += " Pre-Depends Depends"
    lines = [f"{name}: {one[name]}" for name in names.split() if name in one]
    return "\n".join(
        [lines[0], "Status: install ok installed", *lines[1:], f"Description: {one.get('Description', '')}"]
    )


def _unpack_deb(
    name: str, content: bytes, links: Mapping[str, str], folder: Path
) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """The files of a package by their names in the image, and what it holds for dpkg."""
    members = {member.partition(".")[0]: packed for member, packed in _ar_members(content)}
    control, archive = members["control"], members["data"]
    entries: dict[str, Entry] = {}
    with tarfile.open(fileobj=io.BytesIO(control)) as tar:
        files = ((posixpath.normpath(member.name), tar.extractfile(member)) for member in tar)
        for_dpkg = {name: file.read() for name, file in files if file}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for number, member in enumerate(tar):
            path = _placed(member.name, links)
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


def _placed(name: str, links: Mapping[str, str]) -> str:
    """Where a package's file goes: a folder must not take the place of the base's link of that name."""
    path = posixpath.normpath(name).lstrip("/")
    first, slash, rest = path.partition("/")
    return f"{links[first]}/{rest}" if slash and first in links else path


def _ar_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    place = 8
    while place + 60 <= len(content):
        name = content[place : place + 16].decode("ascii", "replace").strip().rstrip("/")
        size_bytes = int(content[place + 48 : place + 58])
        yield name, content[place + 60 : place + 60 + size_bytes]
        place += 60 + size_bytes + size_bytes % 2
