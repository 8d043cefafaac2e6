"""Read a file as far as it can be read without running anything in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from scaffold._modules import distribution_by_table
from scaffold.errors import (
    BrokenInstallError,
    LoadFailedError,
    MissingLibraryError,
    NoSuchFileError,
    NotAModelError,
    TruncatedFileError,
    UntrustedCodeError,
    VersionMismatchError,
)
from scaffold.read import _formats
from scaffold.read._definitions import Finder
from scaffold.read._gate import Findings, Gate, Refusal
from scaffold.read._libraries import DISTRIBUTIONS
from scaffold.read._machine import Witness, follow
from scaffold.read._policy import Policy
from scaffold.read._search import search_path
from scaffold.read._streams import BombError, CutShortError, GarbledError, Stream, open_stream
from scaffold.read._torch import LEGACY_START, follow_archive, follow_legacy
from scaffold.spec import GlobalName, ModelFormat

_PICKLE_STARTS = frozenset(
    b"\x80\x81()]}\x8f.NIJKLMFGSTUVXBCcq0123\x85\x86\x88\x89\x8a\x8b\x8c\x8d\x8e\x95\x96i"
)
_CHANGED = """It changed since the file was made. Save the model again, or name the folder of the old module:
  PYTHONPATH=FOLDER scaffold new ..."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a file is and names."""

    format: ModelFormat
    compression: str | None
    globals: tuple[GlobalName, ...]


def require_file(path: Path) -> None:
    """Raise NoSuchFileError or NotAModelError unless `path` is a file with something in it."""
    if path.is_dir():
        raise NotAModelError(str(path), "it is a folder", "Name the model's file inside it.")
    if not path.is_file():
        folder = path.parent
        near = sorted(p.name for p in folder.iterdir() if p.is_file())[:8] if folder.is_dir() else []
        raise NoSuchFileError(str(path), tuple(near))
    if path.stat().st_size == 0:
        raise NotAModelError(str(path), "it is empty", "Save the model again.")


def scan_file(path: Path, trusted: Sequence[str], *, ours: bool = False) -> Scanned:
    """Tell the format of `path` and judge every name in it.

    Raises:
        NotAModelError: It is none of the formats that are read.
        TruncatedFileError: It ends before what it holds does.
        UntrustedCodeError: It names what is on no allow list.
        MissingLibraryError: It needs a library that is not installed.
        VersionMismatchError: It names what the installed version of a library does not have.
    """
    head = _formats.head_of(path)
    foreign = _formats.foreign_kind(path, head)
    if foreign:
        raise NotAModelError(str(path), f"it is {foreign[0]}", foreign[1])
    try:
        native = _formats.native_format(path, head)
    except CutShortError as error:
        raise TruncatedFileError(str(path), error.args[0]) from error
    if native:
        return Scanned(native, None, ())
    policy = Policy(Finder(search_path(path.parent)), trusted)
    findings = Findings()
    compression = _formats.compression_of(head)
    layout = _followed(path, compression, policy, findings)
    if not ours:
        _raise_findings(path, findings, policy)
    return Scanned(layout, compression, tuple(findings.names.values()))


def _followed(path: Path, compression: str | None, policy: Policy, findings: Findings) -> ModelFormat:
    """Follow all pickles of a file, whatever their wrapping, and return its format."""
    try:
        if compression == "zip":
            return follow_archive(
                path, lambda member, layout: _archive_witness(policy, findings, member, layout)
            )
        with open_stream(path, compression) as stream:
            return _follow_stream(stream, policy, findings, compression)
    except CutShortError as error:
        if not findings.names and not _starts_with_protocol(path, compression):
            raise _no_format(path) from error
        raise TruncatedFileError(str(path), error.args[0], compression is not None) from error
    except BombError as error:
        raise NotAModelError(
            str(path),
            f"it unpacks to more than {error.args[0] >> 20} MiB, far more than a model of its size",
            "If it is yours, unpack it first and give the unpacked file.",
        ) from error
    except GarbledError as error:
        # A file that starts as a pickle does may do harm before its fault is met: that is said first.
        if compression != "zip" and not _starts_with_protocol(path, compression):
            raise _no_format(path) from error
        if findings.refusals:
            _raise_findings(path, findings, policy)
        offset, what = error.args
        raise NotAModelError(str(path), f"at byte {offset} stands {what}") from error
    except zipfile.BadZipFile as error:
        raise TruncatedFileError(str(path), path.stat().st_size) from error
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            str(path), error.name or "", f"its {compression} compression", "lz4"
        ) from error


def _follow_stream(
    stream: Stream, policy: Policy, findings: Findings, compression: str | None
) -> ModelFormat:
    start = stream.peek()
    if not start or start[0] not in _PICKLE_STARTS:
        raise GarbledError(0, f"{start!r}, which starts no format that is known")
    if stream.starts_with(LEGACY_START):
        follow_legacy(stream, Gate(policy, findings, torch=True))
        return ModelFormat.TORCH
    gate = Gate(policy, findings, joblib=True)
    follow(stream, gate)
    _follow_rest(stream, gate)
    joblib = findings.arrays or compression == "lz4"
    return ModelFormat.JOBLIB if joblib else ModelFormat.PICKLE


def _follow_rest(stream: Stream, gate: Gate) -> None:
    """Follow further pickles in the file. Only the first is ever loaded: what is no pickle may follow."""
    try:
        while stream.peek() == b"\x80":
            follow(stream, gate)
    except (CutShortError, GarbledError):
        return


def _archive_witness(policy: Policy, findings: Findings, member: str, format: ModelFormat) -> Witness:
    if format is ModelFormat.TORCHSCRIPT:
        # Its pickles are read by torch's own reader in C++, which imports nothing of Python.
        return Gate(policy, Findings(), member=member, torch=True)
    return Gate(policy, findings, member=member, torch=True)


def _starts_with_protocol(path: Path, compression: str | None) -> bool:
    """Whether a file starts as pickles have since Python 2.3; what does not is mostly something else."""
    try:
        with open_stream(path, compression) as stream:
            return stream.peek() == b"\x80"
    except (CutShortError, GarbledError):
        return True


def _no_format(path: Path) -> NotAModelError:
    start = _formats.head_of(path)[:16]
    return NotAModelError(str(path), f"it starts with {start!r}, as no format does")


def _raise_findings(path: Path, findings: Findings, policy: Policy) -> None:
    if findings.refusals:
        advice = policy.trust_advice(tuple(findings.refusals))
        told = tuple(_told(refusal) for refusal in findings.refusals.values())
        raise UntrustedCodeError(path.name, told, advice.tokens, advice.never)
    for top, name in findings.missing.items():
        _require_whole_install(top)
        known, guess = DISTRIBUTIONS.get(top, ""), distribution_by_table(top)
        raise MissingLibraryError(path.name, top, name.dotted.rstrip("."), known, guess)
    if findings.changed:
        names = tuple(findings.changed)
        top = names[0].partition(".")[0]
        distribution = DISTRIBUTIONS.get(top, top)
        version = _version(distribution)
        if version is None:
            raise LoadFailedError(path.name, f"your own module has no {names[0]} any more", _CHANGED)
        raise VersionMismatchError(path.name, names, distribution, version)


def _require_whole_install(module: str) -> None:
    """Raise BrokenInstallError if an editable install may provide `module` from a folder that is gone.

    Some build backends do not say which modules they install so: these are blamed where nobody else is known
    for the module.
    """
    for installed in metadata.distributions():
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        if not origin.get("dir_info", {}).get("editable"):
            continue
        places = [Path(unquote(urlparse(origin.get("url", "")).path)), *_folders_of(installed)]
        gone = next((place for place in places if not place.exists()), None)
        listed = (installed.read_text("top_level.txt") or "").split()
        if gone and (module in listed or (not listed and module not in DISTRIBUTIONS)):
            reason = f"its editable install leads to {gone}, which is gone"
            raise BrokenInstallError(installed.name, installed.version, reason)


def _folders_of(installed: metadata.Distribution) -> list[Path]:
    """The folders that an editable install adds to `sys.path`."""
    files = [Path(str(file.locate())) for file in installed.files or () if file.suffix == ".pth"]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    return [Path(line) for text in texts for line in text.splitlines() if Path(line).is_absolute()]


def _told(refusal: Refusal) -> tuple[str, str, str]:
    place = f"at byte {refusal.offset}" + (f" of {refusal.member}" if refusal.member else "")
    return refusal.name, place, refusal.reason


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
