"""Read a file that may be compressed, sequentially and in pieces."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import BinaryIO, cast

from scaffold.base.streams import CHUNK_BYTES, BorrowedFile, decompressed

LINE_BYTES = 1 << 16
# A file that unpacks to more than this size, and to more than this ratio, is refused as a bomb: loading it
# would exhaust memory.
BOMB_BYTES = 1 << 28
BOMB_RATIO = 300
_FAULTS = (EOFError, zlib.error, lzma.LZMAError, OSError, RuntimeError)
_ZIP_START = b"PK"


class CutShortError(Exception):
    """The stream ends where more was announced. `args[0]` is the byte where it ends."""


class MalformedError(Exception):
    """The stream does not match its first bytes. `args` are the offset and a description of the fault."""


class BombError(Exception):
    """The stream unpacks to far more than its file weighs. `args[0]` is the size that was reached."""


def require_no_bomb(archive: zipfile.ZipFile) -> None:
    """Raise BombError if a member, or all of them together, unpack to far more than they weigh.

    A member that is an archive itself, as the `.npz` of a sparse matrix, counts as what it unpacks to.
    """
    members = archive.infolist()
    _require_no_bomb([member.file_size for member in members], members)
    # Only now: what is looked for inside of them has to be unpacked.
    _require_no_bomb([_inner_bytes(archive, member) for member in members], members)


def _require_no_bomb(sizes_bytes: list[int], members: list[zipfile.ZipInfo]) -> None:
    weights = [member.compress_size for member in members]
    for size_bytes, weight in (*zip(sizes_bytes, weights, strict=True), (sum(sizes_bytes), sum(weights))):
        if size_bytes > BOMB_BYTES and size_bytes > BOMB_RATIO * weight:
            raise BombError(size_bytes)


def _inner_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """The unpacked size of a member that is an archive; 0 for any other member."""
    try:
        with archive.open(member) as file:
            if file.read(len(_ZIP_START)) != _ZIP_START:
                return 0
            with zipfile.ZipFile(file) as inner:
                return sum(each.file_size for each in inner.infolist())
    except (*_FAULTS, ValueError, zipfile.BadZipFile, NotImplementedError):
        return 0  # no reader unpacks it either


def open_stream(file: BinaryIO, size_bytes: int, compression: str | None) -> Stream:
    """Read `file` from its start, unpacked if `compression` names a way.

    Raises:
        ModuleNotFoundError: `lz4` is not installed and the file needs it.
    """
    file.seek(0)
    if compression is None:
        return Stream(io.BufferedReader(BorrowedFile(file)), size_bytes=size_bytes)
    limit_bytes = max(BOMB_BYTES, BOMB_RATIO * size_bytes)
    return Stream(decompressed(file, compression), limit_bytes=limit_bytes)


class Stream:
    """Bytes from front to back, with the position; a short read is an error."""

    def __init__(
        self,
        file: BinaryIO | io.BufferedReader,
        *,
        size_bytes: int | None = None,
        limit_bytes: int | None = None,
    ) -> None:
        self._file = file
        self._size_bytes = size_bytes
        self._limit_bytes = limit_bytes
        self.position = 0
        self.frame_end = 0
        """Where the frame of the pickle that is being read ends."""

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes. Raises CutShortError if there are fewer."""
        try:
            data = self._file.read(count) if count <= CHUNK_BYTES else self._pieces(count)
        except _FAULTS as error:
            raise self._fault(error) from error
        self._advance(len(data))
        if len(data) < count:
            raise CutShortError(self.position)
        return data

    def peek(self) -> bytes:
        """The next byte, which stays; nothing at the end."""
        return self._ahead(1)[:1]

    def starts_with(self, start: bytes) -> bool:
        """Whether these bytes come next; they stay."""
        return self._ahead(len(start)).startswith(start)

    def line(self) -> bytes:
        """Up to the next line feed, without it."""
        try:
            data = self._file.readline(LINE_BYTES)
        except _FAULTS as error:
            raise self._fault(error) from error
        self._advance(len(data))
        if not data.endswith(b"\n"):
            if len(data) == LINE_BYTES:
                raise MalformedError(self.position, "a line without an end")
            raise CutShortError(self.position)
        return data[:-1]

    def skip(self, count: int) -> None:
        """Pass over exactly `count` bytes."""
        if self._size_bytes is not None:
            if count > self._size_bytes - self.position:
                raise CutShortError(self._size_bytes)
            self._file.seek(count, io.SEEK_CUR)
            self._advance(count)
            return
        while count:
            count -= len(self.read(min(count, CHUNK_BYTES)))

    def drain(self) -> None:
        """Pass over all that is left."""
        while part := self._ahead(CHUNK_BYTES):
            self.skip(len(part))

    def _ahead(self, count: int) -> bytes:
        try:
            return self._file.peek(count)  # type: ignore[union-attr]
        except _FAULTS as error:
            raise self._fault(error) from error

    def _pieces(self, count: int) -> bytes:
        """Up to `count` bytes, read piece by piece: what a length promises need not be there."""
        parts = []
        while count and (part := self._file.read(min(count, CHUNK_BYTES))):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _advance(self, count: int) -> None:
        self.position += count
        if self._limit_bytes is not None and self.position > self._limit_bytes:
            raise BombError(self.position)

    def _fault(self, error: Exception) -> Exception:
        """Convert an error of the decompressor to an error of this module."""
        if isinstance(error, EOFError):
            return CutShortError(self.position)
        return MalformedError(self.position, f"unpacking failed: {error}")


def stream_of(data: bytes) -> Stream:
    """Read `data` as a stream."""
    return Stream(io.BufferedReader(cast("io.RawIOBase", io.BytesIO(data))), size_bytes=len(data))
