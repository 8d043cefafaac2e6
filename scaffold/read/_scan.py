"""Read a file without running anything in it."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from scaffold.base.folder import FILES, ModelFolder, folder_format
from scaffold.base.python_function import PICKLE
from scaffold.base.streams import compression_of, open_once
from scaffold.base.unpickle import LEGACY_TORCH_START
from scaffold.errors import (
    MissingLibraryError,
    NoSuchFileError,
    NotAModelError,
    TruncatedFileError,
    UnreadableFileError,
)
from scaffold.read import _formats
from scaffold.read._findings import raise_findings
from scaffold.read._folders import own_folders, path_without
from scaffold.read._foreign import foreign_kind
from scaffold.read._streams import BombError, CutShortError, MalformedError, Stream, open_stream
from scaffold.read._versions import RUNNING, native_made_with, require_python
from scaffold.read.gate._definitions import Finder
from scaffold.read.gate._folder import judged_folder
from scaffold.read.gate._gate import Gate
from scaffold.read.gate._keras import judge_keras
from scaffold.read.gate._machine import follow
from scaffold.read.gate._policy import Policy
from scaffold.read.gate._report import Findings
from scaffold.read.gate._skops import SCHEMA, follow_skops, is_skops
from scaffold.read.gate._stack import Visitor
from scaffold.read.gate._torch import follow_archive, follow_legacy
from scaffold.spec import GlobalName, MadeWith, ModelFormat

_PICKLE_STARTS = frozenset(
    b"\x80\x81()]}\x8f.NIJKLMFGSTUVXBCcq0123\x85\x86\x88\x89\x8a\x8b\x8c\x8d\x8e\x95\x96i"
)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a file is and names."""

    format: ModelFormat
    compression: str | None
    globals: tuple[GlobalName, ...]
    sha256: str
    made_with: MadeWith = field(default_factory=MadeWith)
    task: str = ""
    """Of a folder of transformers."""


def require_file(path: Path) -> None:
    """Check that `path` is a readable file that is not empty.

    Raises:
        NoSuchFileError: There is no such file.
        NotAModelError: It is no file, or empty.
        UnreadableFileError: The system refuses to open it.
    """
    try:
        _require_content(path)
        path.open("rb").close()
    except OSError as error:
        raise UnreadableFileError(str(path), error.strerror or str(error)) from error


def _require_content(path: Path) -> None:
    if path.is_dir():
        raise NotAModelError(str(path), "it is a folder", "Name the model's file inside it.")
    if not path.is_file():
        if path.exists():
            raise NotAModelError(
                str(path), "it is a pipe, a device or a socket", "Copy its content into a file first."
            )
        near: list[str] = []
        with contextlib.suppress(OSError):
            near = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:8]
        raise NoSuchFileError(str(path), tuple(near))
    if path.stat().st_size == 0:
        raise NotAModelError(str(path), "it is empty", "Save the model again.")


def scan_file(
    path: Path,
    trusted: Sequence[str],
    *,
    ours: bool = False,
    confined: bool = True,
    replaced: Collection[str] = (),
) -> Scanned:
    """Detect the format of `path` and check every name in it.

    Args:
        path: The file.
        trusted: Dotted names that are allowed besides those on the list; `by-value` and `train.py:ratio`.
        ours: Whether this process wrote it: its names are then listed and not checked.
        confined: Whether code by value may run.
        replaced: Dotted names that have a stand-in, so that their library need not be installed.

    Raises:
        NotAModelError: It has none of the known formats.
        TruncatedFileError: It is cut off.
        ForeignCodeError: It carries functions that another Python compiled.
        UntrustedCodeError: It names what is on no allow list.
        MissingLibraryError: It needs a library that is not installed.
        VersionMismatchError: It names what the installed version of a library does not have.
    """
    head = _formats.head_of(path)
    foreign = foreign_kind(path, head)
    if foreign:
        raise NotAModelError(str(path), f"it is {foreign[0]}", foreign[1])
    policy = Policy(Finder(_search_path(path.parent)), trusted, confined=confined, replaced=replaced)
    findings = Findings()
    with open_once(path) as (file, sha256):
        if folder_format(head):
            folder = judged_folder(path, file.read(), trusted)
            if folder.format is not ModelFormat.PYTHON_FUNCTION:
                return Scanned(folder.format, None, (), sha256, task=folder.task)
            _follow_python_function(path, folder, policy, findings)
            return _checked(path, _Kind(folder.format, None), sha256, policy, findings, ours=ours)
        if _formats.is_keras(file, head):
            judge_keras(path, file)
            return Scanned(ModelFormat.KERAS, None, (), sha256, native_made_with(path, ModelFormat.KERAS))
        try:
            native = _formats.native_format(file, head)
        except CutShortError as error:
            raise TruncatedFileError(str(path), error.args[0]) from error
        if native:
            return Scanned(native, None, (), sha256, native_made_with(path, native))
        compression = compression_of(head)
        layout = _follow_file(_File(path, file, compression), policy, findings)
    return _checked(path, _Kind(layout, compression), sha256, policy, findings, ours=ours)


@dataclass(frozen=True, slots=True)
class _Kind:
    format: ModelFormat
    compression: str | None


def _checked(
    path: Path, kind: _Kind, sha256: str, policy: Policy, findings: Findings, *, ours: bool
) -> Scanned:
    """Return what was found, if `ours` or if it may be loaded."""
    Gate(policy, findings).finish()
    made_with = findings.facts.made_with(findings.names.values())
    if not ours:
        require_python(path.name, made_with, RUNNING)
        raise_findings(path, policy, findings, made_with)
    return Scanned(kind.format, kind.compression, tuple(findings.names.values()), sha256, made_with)


def _follow_python_function(path: Path, folder: ModelFolder, policy: Policy, findings: Findings) -> None:
    """Follow the pickle of a `PythonModel`, and those of its artifacts that start as a pickle.

    Its own code reads the artifacts, so only what they hold is checked here, and not how they are read.
    """
    for name in folder.files:
        place = path.absolute().parent / FILES / name
        with place.open("rb") as file:
            source = _File(place, file, compression_of(file.read(16)))
            file.seek(0)
            if name == PICKLE:
                _follow_file(source, policy, findings)
            elif source.compression == "zip" or _starts_with_protocol(source):
                with contextlib.suppress(NotAModelError, TruncatedFileError):
                    _follow_file(source, policy, findings)


def _search_path(folder: Path) -> list[str]:
    """Where the names of a file in `folder` are looked up: the user's own folders come last."""
    own = own_folders(folder)
    return [*path_without(own), *(str(place) for place in own)]


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is open."""

    path: Path
    file: BinaryIO
    compression: str | None

    def stream(self) -> Stream:
        return open_stream(self.file, self.path.stat().st_size, self.compression)


def _follow_file(source: _File, policy: Policy, findings: Findings) -> ModelFormat:
    """Follow all pickles of a file, whatever their wrapping, and return its format."""
    path, zipped = source.path, source.compression == "zip"
    try:
        if zipped and is_skops(source.file):
            follow_skops(source.file, Gate(policy, findings, member=SCHEMA))
            return ModelFormat.SKOPS
        if source.compression == "gzip" and _holds_onnx(source):
            return ModelFormat.ONNX
        if zipped:
            return follow_archive(
                source.file, lambda member, layout: _archive_gate(policy, findings, member, layout)
            )
        with source.stream() as stream:
            return _follow_stream(stream, policy, findings, source.compression)
    except CutShortError as error:
        if not findings.names and not _starts_with_protocol(source):
            raise _no_format(path) from error
        raise TruncatedFileError(str(path), error.args[0], source.compression is not None) from error
    except BombError as error:
        raise NotAModelError(
            str(path),
            f"it unpacks to more than {error.args[0] >> 20} MiB, far more than a model of its size",
            "If it is yours, unpack it first and give the unpacked file.",
        ) from error
    except MalformedError as error:
        # A file that starts as a pickle may do harm before its fault: report the refusal first.
        if not zipped and not _starts_with_protocol(source):
            raise _no_format(path) from error
        if findings.refusals:
            raise_findings(path, policy, findings, MadeWith())
        offset, what = error.args
        raise NotAModelError(str(path), f"at byte {offset} stands {what}") from error
    except zipfile.BadZipFile as error:
        raise TruncatedFileError(str(path), path.stat().st_size) from error
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            str(path), error.name or "", f"its {source.compression} compression", "lz4"
        ) from error


def _follow_stream(
    stream: Stream, policy: Policy, findings: Findings, compression: str | None
) -> ModelFormat:
    start = stream.peek()
    if not start or start[0] not in _PICKLE_STARTS:
        raise MalformedError(0, f"{start!r}, which starts no format that is known")
    if stream.starts_with(LEGACY_TORCH_START):
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
    except (CutShortError, MalformedError):
        return


def _archive_gate(policy: Policy, findings: Findings, member: str, format: ModelFormat) -> Visitor:
    if format is ModelFormat.TORCHSCRIPT:
        # Its pickles are read by torch's own reader in C++, which imports nothing of Python.
        return Gate(policy, Findings(), member=member, torch=True)
    return Gate(policy, findings, member=member, torch=True)


def _holds_onnx(source: _File) -> bool:
    with source.stream() as stream:
        return _formats.is_packed_onnx(stream)


def _starts_with_protocol(source: _File) -> bool:
    """Whether a file starts with the protocol byte that every pickle has since Python 2.3."""
    try:
        with source.stream() as stream:
            return stream.peek() == b"\x80"
    except (CutShortError, MalformedError):
        return True


def _no_format(path: Path) -> NotAModelError:
    start = _formats.head_of(path)[:16]
    return NotAModelError(str(path), f"it starts with {start!r}, as no format does")
