"""Package archives and their lists, checked by signature, date and hash."""

from __future__ import annotations

import datetime as dt
import email.utils
import gzip
import hashlib
import lzma
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.base.process import Runner
from scaffold.errors import (
    CommandError,
    ListDateError,
    UnsignedListError,
    WrongHashError,
    WrongListError,
)
from scaffold.image.debian._base import Debian
from scaffold.image.debian._control import Fields, read_alternatives, read_fields, version_fits, version_key
from scaffold.image.registry._reference import is_loopback

_OPENERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
}

_CLOCK_DIFFERENCE = dt.timedelta(days=1)
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One suite of an archive, as the base names it."""

    uri: str
    suite: str
    components: Sequence[str]
    keys: Sequence[bytes]
    expires: bool
    """Whether the list is valid only until its `Valid-Until` date."""


@dataclass(slots=True)
class Index:
    """The packages of all sources, by name and by what they provide; parsed when they are needed."""

    named: dict[str, list[bytes]] = field(default_factory=dict)
    provided: dict[str, list[str]] = field(default_factory=dict)
    places: dict[bytes, str] = field(default_factory=dict)

    def add(self, listed: bytes, uri: str) -> None:
        for paragraph in listed.split(b"\n\n"):
            if match := re.match(rb"\s*Package: (\S+)", paragraph):
                name = match[1].decode()
                self.named.setdefault(name, []).append(paragraph)
                self.places[paragraph] = uri
                if provides := re.search(rb"^Provides: (.+)$", paragraph, re.MULTILINE):
                    for provided, *_ in read_alternatives(provides[1].decode().replace(",", "|")):
                        self.provided.setdefault(provided, []).append(name)

    def best(self, name: str, relation: str, version: str) -> dict[str, str] | None:
        """Return the newest package `name` whose version fits, else a package that provides it."""
        for candidate in (name, *self.provided.get(name, ())):
            paragraphs = [
                read_fields(paragraph) | {"URI": self.places[paragraph]}
                for paragraph in self.named.get(candidate, ())
            ]
            fitting = [
                fields
                for fields in paragraphs
                if candidate != name or version_fits(fields["Version"], relation, version)
            ]
            if fitting:
                return max(fitting, key=lambda fields: version_key(fields["Version"]))
        return None


def sources(base: Debian) -> Iterator[_Source]:
    """Yield the sources in the base's `.sources` and `.list` files."""
    rings = {name: content for name, content in sorted(base.files.items()) if name.endswith(".gpg")}
    for name, content in sorted(base.files.items()):
        text = content.decode("utf-8", "replace")
        if name.endswith(".sources"):
            for stanza in map(read_fields, re.sub(r"(?m)^#.*\n", "", text).encode().split(b"\n\n")):
                if "deb" not in stanza.get("Types", "").split() or stanza.get("Enabled", "yes") == "no":
                    continue
                for uri in stanza["URIs"].split():
                    for suite in stanza["Suites"].split():
                        yield _Source(
                            uri=uri.rstrip("/"),
                            suite=suite,
                            components=stanza.get("Components", "").split(),
                            keys=_keys(rings, stanza.get("Signed-By", "")),
                            expires=stanza.get("Check-Valid-Until", "yes") != "no",
                        )
        elif name.endswith(".list"):
            for line in text.splitlines():
                if match := re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line):
                    options = match[1] or ""
                    keyring = re.search(r"signed-by=/(\S+)", options)
                    yield _Source(
                        uri=match[2].rstrip("/"),
                        suite=match[3],
                        components=match[4].split(),
                        keys=_keys(rings, keyring[1] if keyring else ""),
                        expires="check-valid-until=no" not in options.split(),
                    )


def _keys(rings: Mapping[str, bytes], signed_by: str) -> list[bytes]:
    """Return the keys that may sign a source: the keyring that it names, else all keyrings of the base."""
    keyring = rings.get(signed_by.strip("/"))
    return [keyring] if keyring else list(rings.values())


def read_suite(
    index: Index, source: _Source, architecture: str, folder: Path, *, fetch: Fetch, run: Runner
) -> None:
    """Add a suite's packages to the index, verified by the hashes in its signed list.

    Args:
        index: The index to add to.
        source: An archive and the keys that sign it.
        architecture: `amd64`.
        folder: A folder for the files that gpgv reads.
        fetch: Returns the bytes at a URL.
        run: Runs gpgv.
    """
    checked = shutil.which("gpgv") is not None
    uri = source.uri
    if not checked and not is_loopback(uri.partition("://")[2].partition("/")[0]):
        uri = re.sub("^http:", "https:", uri)  # then only the server's certificate protects it
    place = f"{uri}/dists/{source.suite}"
    release = fetch(f"{place}/InRelease")
    text = (_verified(release, uri, source.keys, folder, run) if checked else release).decode(
        "utf-8", "replace"
    )
    _require_current(read_fields(text.encode()), source, place, dt.datetime.now(dt.timezone.utc))
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
    """Refuse a signed list of another suite or time, which an attacker could replay.

    Source: wiki.debian.org/DebianRepository/Format, "Suite", "Codename" and "Date, Valid-Until".
    """
    names = {release[name] for name in ("Suite", "Codename") if release.get(name)}
    suite = source.suite.rstrip("/")
    if names and not {suite, suite.partition("/")[0]} & names:
        raise WrongListError(place, tuple(sorted(names)), source.suite)
    valid_until = _parse_date(release.get("Valid-Until", ""), place)
    if valid_until and valid_until < now and source.expires:
        raise ListDateError(place, valid_until, expired=True)
    created = _parse_date(release.get("Date", ""), place)
    if created and created > now + _CLOCK_DIFFERENCE:
        raise ListDateError(place, created, clock=now)


def _parse_date(text: str, place: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError as error:
        raise ListDateError(place, text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)


def _verified(release: bytes, uri: str, keys: Sequence[bytes], folder: Path, run: Runner) -> bytes:
    """Return the signed part of a text, verified by one of the base's keys."""
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
