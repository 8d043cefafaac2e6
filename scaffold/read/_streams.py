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


class CutShortError(Exception):
    """The stream ends where more was announced. `args[0]` is the byte where it ends."""


class MalformedError(Exception):
    """The stream is not what it starts as. `args` are the byte and what was found there."""


class BombError(Exception):
    """The stream unpacks to far more than its file weighs. `args[0]` is the size that was reached."""


def require_no_bomb(archive: zipfile.ZipFile) -> None:
    """Raise BombError if a member unpacks to far more than it weighs."""
    for member in archive.infolist():
        if member.file_size > BOMB_BYTES and member.file_size > BOMB_RATIO * member.compress_size:
            raise BombError(member.file_size)


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


_FAULTS = (EOFError, zlib.error, lzma.LZMAError, OSError, RuntimeError)


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
        """What an error of whoever unpacks means here."""
        if isinstance(error, EOFError):
            return CutShortError(self.position)
        return MalformedError(self.position, f"unpacking failed: {error}")


def stream_of(data: bytes) -> Stream:
    """Read `data` as a stream."""
    return Stream(io.BufferedReader(cast("io.RawIOBase", io.BytesIO(data))), size_bytes=len(data))
