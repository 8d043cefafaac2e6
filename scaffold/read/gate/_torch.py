"""What torch writes: a zip archive with a pickle in it; before 1.6, pickles in a row and then the storages.

Source: `torch.serialization._legacy_load` for the order of the pickles, `_load` for the archive's members.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import BinaryIO, cast

from scaffold.read._streams import MalformedError, Stream, require_no_bomb
from scaffold.read.gate._machine import follow
from scaffold.read.gate._script import script_operations
from scaffold.read.gate._stack import Visitor
from scaffold.read.gate._values import Named, Value
from scaffold.spec import ModelFormat

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LEGACY_PICKLES = 5  # magic, protocol, system, object, keys
_OBJECT = 3
_PICKLE_STARTS = tuple(b"\x80" + bytes([protocol]) for protocol in range(1, 6))


def follow_legacy(stream: Stream, visitor: Visitor) -> Value:
    """Follow the pickles of a file in the old layout, up to the raw storages, and return its object.

    Raises:
        MalformedError: It does not start with the number that such files start with.
    """
    values: list[Value] = []
    for _ in range(_LEGACY_PICKLES):
        values.append(follow(stream, visitor))
        if values[0] != LEGACY_MAGIC:
            raise MalformedError(0, "no file of torch: another number at its start")
    return values[_OBJECT]


def follow_archive(file: BinaryIO, visitor_of: Callable[[str, ModelFormat], Visitor]) -> ModelFormat:
    """Follow every pickle in a zip archive and return what kind of torch archive it is.

    Args:
        file: The archive.
        visitor_of: Gives the visitor for the member of this name, in an archive of this kind.

    Raises:
        MalformedError: It is no archive of torch, or one whose members have doubtful names.
        zipfile.BadZipFile: It is damaged or cut short.
    """
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        require_one_directory(file, archive)
        require_no_bomb(archive)
        pickles = [name for name in names if name.endswith(".pkl") or _starts_as_pickle(archive, name)]
        if not any(name.rpartition("/")[2] == "data.pkl" for name in pickles):
            raise MalformedError(0, "a zip archive without data.pkl")
        _require_plain_names(names)
        # `torch.load` hands an archive with this member to `torch.jit.load`, and so do we.
        script = any(name.rpartition("/")[2] == "constants.pkl" for name in names)
        layout = ModelFormat.TORCHSCRIPT if script else ModelFormat.TORCH
        if script:
            _check_script(archive, visitor_of)
        for name in pickles:
            with archive.open(name) as member:
                reader = io.BufferedReader(cast("io.RawIOBase", member))
                follow(Stream(reader, limit_bytes=1 << 34), visitor_of(name, layout))
    return layout


def require_one_directory(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Raise MalformedError unless a reader from the front and one from the back find the same archive.

    So there is nothing before the first member, and nothing between or behind the one directory and its end.

    Source: sections 4.3.14 to 4.3.16 of the .ZIP file format specification, for the records at the end.
    """
    first = min((member.header_offset for member in archive.infolist()), default=0)
    end = file.seek(-_END.size, io.SEEK_END)
    signature, *_, size_bytes, start, comment = _END.unpack(file.read(_END.size))
    if signature == b"PK\5\6" and file.seek(max(end - 20, 0)) and file.read(4) == b"PK\6\7":
        end -= 20 + _END_64.size
        file.seek(end)
        signature, *_, size_bytes, start = _END_64.unpack(file.read(_END_64.size))
        signature = b"PK\5\6" if signature == b"PK\6\6" else b""
    if signature != b"PK\5\6" or comment or first or start + size_bytes != end:
        raise MalformedError(0, "a zip archive that can be read in two ways")


def _require_plain_names(names: list[str]) -> None:
    """Raise MalformedError unless every reader finds the same member by the same name.

    torch's own reader takes the folder of the first member for that of all, and does not tell upper from
    lower case.
    """
    if len({name.lower() for name in names}) != len(names):
        raise MalformedError(0, "an archive with two members of one name")
    folders = {name.partition("/")[0] for name in names}
    parts = {part for name in names for part in name.rstrip("/").split("/")}
    if len(folders) != 1 or parts & {"", ".", ".."} or any("\\" in name or "\0" in name for name in names):
        raise MalformedError(0, "an archive whose members do not lie in one folder")


def _check_script(archive: zipfile.ZipFile, visitor_of: Callable[[str, ModelFormat], Visitor]) -> None:
    """Tell a visitor which operations a TorchScript program calls that no model needs."""
    for name in archive.namelist():
        if name.endswith(".py"):
            for operation in script_operations(archive.read(name).decode("utf-8", "replace")):
                module, _, function = operation.rpartition(".")
                visitor_of(name, ModelFormat.TORCH).named(Named(module, function, 0))


def _starts_as_pickle(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether a member that is no raw storage starts as a pickle does."""
    if "/data/" in name:
        return False
    with archive.open(name) as member:
        return member.read(2).startswith(_PICKLE_STARTS)
