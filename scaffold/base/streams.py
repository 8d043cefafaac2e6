"""The bytes of a model's file: read once, hashed, and unpacked while they are read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from scaffold.errors import FileChangedError

CHUNK_BYTES = 1 << 18
_MEMORY_BYTES = 1 << 26
"""Files up to this size are read into memory once; a larger file is hashed and loaded through one handle."""
_COMPRESSIONS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"]\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"x\x01", "zlib"),
    (b"x\x5e", "zlib"),
    (b"x\x9c", "zlib"),
    (b"x\xda", "zlib"),
    (b"PK\x03\x04", "zip"),
)


@contextlib.contextmanager
def open_once(path: Path, sha256: str = "") -> Iterator[tuple[BinaryIO, str]]:
    """Open a file for one reading; yield it with the SHA-256 of its content.

    Args:
        path: The file.
        sha256: What the content must be; anything when empty.

    Raises:
        FileChangedError: The content is another.
    """
    with path.open("rb") as raw:
        small = path.stat().st_size <= _MEMORY_BYTES
        file: BinaryIO = io.BytesIO(raw.read()) if small else raw
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        if sha256 and digest.hexdigest() != sha256:
            raise FileChangedError(str(path), sha256, digest.hexdigest())
        file.seek(0)
        yield file, digest.hexdigest()


def compression_of(head: bytes) -> str | None:
    """Return the compression of a file that starts with these bytes."""
    return next((name for magic, name in _COMPRESSIONS if head.startswith(magic)), None)


def decompressed(raw: BinaryIO, compression: str | None) -> BinaryIO:
    """Return a file object that decompresses `raw` while it is read.

    Raises:
        ModuleNotFoundError: `lz4` is not installed and the file needs it.
    """
    if compression is None:
        return raw
    return cast("BinaryIO", io.BufferedReader(_OPENERS[compression](raw), CHUNK_BYTES))


class BorrowedFile(io.RawIOBase):
    """A view of an open file: closing it leaves that file open, and it has no file descriptor."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """Whether the stream is readable."""
        return True

    def seekable(self) -> bool:
        """Whether the stream is seekable."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; return the number of bytes read."""
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek, and return the new position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the file."""
        return self._file.tell()


class _ZlibFile(io.RawIOBase):
    """A bare zlib stream, as joblib writes it, read as a file."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._raw.read(CHUNK_BYTES)
            chunk = self._inflate.decompress(packed, len(view))
            if chunk:
                view[: len(chunk)] = chunk
                return len(chunk)
            if not packed and not self._inflate.eof:
                raise EOFError("the zlib stream has no end")
        return 0


def _lz4(raw: BinaryIO) -> Any:
    import lz4.frame

    return lz4.frame.LZ4FrameFile(raw, mode="rb")


_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw, mode="rb"),
    "zlib": _ZlibFile,
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": lzma.LZMAFile,
    "lz4": _lz4,
}


@contextlib.contextmanager
def canonical_archive(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a rewritten zip archive: one central directory, each member once.

    Two zip readers may find different members in one archive: they differ in which directory counts, in upper
    and lower case, and in data before or after the archive. All readers read the rewritten archive alike.
    """
    with zipfile.ZipFile(file) as archive, contextlib.ExitStack() as stack:
        size_bytes = sum(member.file_size for member in archive.infolist())
        target: Any = io.BytesIO()
        if size_bytes > _MEMORY_BYTES * 4:
            target = stack.enter_context(tempfile.TemporaryFile())
        with zipfile.ZipFile(target, "w") as target_archive:
            for member in archive.infolist():
                plain = zipfile.ZipInfo(member.filename)
                with (
                    archive.open(member) as source,
                    target_archive.open(plain, "w", force_zip64=True) as copy,
                ):
                    while chunk := source.read(1 << 20):
                        copy.write(chunk)
        target.seek(0)
        yield target
