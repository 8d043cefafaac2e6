"""Write files as one layer of an image: the same files give the same bytes, on any machine and at any time.

Names are sorted, times and owners are fixed, and modes are reduced to 0644 and 0755. ISA-L compresses layers
at level 1, in a tenth of zlib's time. Its levels 0 to 2 gave the same bytes with every x86 instruction set
that was tried (SSE4.2, AVX2, AVX-512); level 3 did not, so it is not used.
"""

from __future__ import annotations

import collections
import hashlib
import io
import os
import stat
import struct
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ContextFileError
from scaffold.image._disk import needs_room

GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MTIME = 1  # a second past the epoch: some programs read 0 as "no time"
_LEVEL = 1
_BLOCK_BYTES = 1 << 20
_MAX_THREADS = 8
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # deflate, no name, no time, no system
_LAST_BLOCK = b"\x03\0"  # an empty deflate block with the final bit set


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of a layer: a symbolic link (`link`), generated (`content`) or a file on disk (`source`)."""

    name: str
    """Its path in the image, without the leading slash."""
    source: str | None = None
    content: bytes = b""
    link: str = ""
    size_bytes: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes that a registry stores, by digest. `diff_id` is the digest of a layer before compression."""

    digest: str
    size_bytes: int
    media_type: str
    path: Path | None = None
    diff_id: str = ""

    def descriptor(self) -> dict[str, Any]:
        """Return the descriptor of the blob in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size_bytes}


def file_entries(
    folder: Path, target: str, *, skip: Callable[[str], bool] = lambda _: False
) -> Iterator[Entry]:
    """Yield an entry below `target` for each file in `folder`, unless `skip` is true of its relative path."""
    pending = [(os.fspath(folder), "")]
    while pending:
        folder_path, prefix = pending.pop()
        with os.scandir(folder_path) as items:
            for item in items:
                relative = prefix + item.name
                if skip(relative):
                    continue
                if item.is_symlink():
                    yield Entry(name=f"{target}/{relative}", link=str(Path(item.path).readlink()))
                elif item.is_dir():
                    pending.append((item.path, f"{relative}/"))
                elif item.is_file():
                    status = item.stat()
                    yield Entry(
                        name=f"{target}/{relative}",
                        source=item.path,
                        size_bytes=status.st_size,
                        executable=bool(status.st_mode & stat.S_IXUSR),
                    )


def file_entry(path: Path, name: str) -> Entry:
    """Return the entry of one file or symbolic link, called `name` in the image."""
    if path.is_symlink():
        return Entry(name=name, link=str(path.readlink()))
    status = path.stat()
    return Entry(
        name=name,
        source=os.fspath(path),
        size_bytes=status.st_size,
        executable=bool(status.st_mode & stat.S_IXUSR),
    )


def text_entry(name: str, content: bytes, *, executable: bool = False) -> Entry:
    """Return the entry of a file with this content."""
    return Entry(name=name, content=content, size_bytes=len(content), executable=executable)


def write_layer(
    entries: Iterable[Entry], path: Path, on_bytes: Callable[[int], None] = lambda _: None
) -> Blob:
    """Write the entries to `path` as a compressed tar and return its blob.

    Blocks of a fixed size are compressed separately, on all processors, and joined to one gzip member: the
    bytes do not depend on the number of processors. Memory use does not grow with the files.

    Raises:
        DiskFullError: The disk has no room for the layer.
        ImageError: A file cannot be read, or changed while it was read.
    """
    uncompressed, compressed = _Checksum(), hashlib.sha256()
    size_bytes = 0
    threads = min(os.cpu_count() or 1, _MAX_THREADS)
    pending: collections.deque[tuple[Future[bytes], Future[None]]] = collections.deque()
    try:
        with (
            needs_room(path.parent),
            path.open("wb") as raw,
            ThreadPoolExecutor(threads) as packers,
            ThreadPoolExecutor(1) as reader,
        ):

            def write(piece: bytes) -> None:
                nonlocal size_bytes
                compressed.update(piece)
                size_bytes += raw.write(piece)

            write(_GZIP_HEADER)
            for block in _joined(tar_blocks(entries)):
                if len(pending) > threads:
                    piece, counted = pending.popleft()
                    counted.result()
                    write(piece.result())
                pending.append(
                    (packers.submit(_compress_block, block), reader.submit(uncompressed.update, block))
                )
                on_bytes(len(block))
            for piece, counted in pending:
                counted.result()
                write(piece.result())
            write(_LAST_BLOCK + uncompressed.trailer())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Blob(
        digest=f"sha256:{compressed.hexdigest()}",
        diff_id=f"sha256:{uncompressed.sha256.hexdigest()}",
        size_bytes=size_bytes,
        media_type=GZIP_LAYER,
        path=path,
    )


class _Checksum:
    """The digest of a layer before compression, and the trailer of a gzip file (RFC 1952)."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self._crc32 = self._size_bytes = 0

    def update(self, block: bytes) -> None:
        """Add the next bytes."""
        from isal import isal_zlib

        self.sha256.update(block)
        self._crc32 = isal_zlib.crc32(block, self._crc32)
        self._size_bytes += len(block)

    def trailer(self) -> bytes:
        """Return the last eight bytes of the gzip file."""
        return struct.pack("<II", self._crc32, self._size_bytes % 2**32)


def _compress_block(block: bytes) -> bytes:
    """Return a part of a deflate stream that ends at a whole byte and refers to no earlier byte.

    The block is compressed until two results are equal: on a busy machine ISA-L 2.32.1 once missed a match in
    one of some 28,000 blocks, which gave the same files another digest. The cause was not found.
    """
    pieces = [_deflate(block), _deflate(block)]
    while pieces[-1] not in pieces[:-1]:
        pieces.append(_deflate(block))
    return pieces[-1]


def _deflate(block: bytes) -> bytes:
    from isal import isal_zlib

    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    compressed: bytes = compressor.compress(block) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
    return compressed


def tar_blocks(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield a tar of the entries, sorted by name, and of their parent folders.

    Raises:
        ImageError: A file cannot be read, or changed while it was read.
    """
    folders: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.name):
        for folder in _missing_folders(entry.name, folders):
            folders.add(folder)
            yield _header(folder, tarfile.DIRTYPE, mode=0o755)
        if entry.link:
            yield _header(entry.name, tarfile.SYMTYPE, mode=0o777, link=entry.link)
            continue
        mode = 0o755 if entry.executable else 0o644
        yield _header(entry.name, tarfile.REGTYPE, mode=mode, size_bytes=entry.size_bytes)
        read_bytes = 0
        try:
            for block in _content(entry):
                read_bytes += len(block)
                yield block
        except OSError as error:
            raise ContextFileError(str(entry.source), error.strerror or str(error)) from error
        if read_bytes != entry.size_bytes:
            raise ContextFileError(str(entry.source))
        yield bytes(-entry.size_bytes % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _missing_folders(name: str, known_folders: set[str]) -> list[str]:
    """Return the parent folders of `name` that are not in `known_folders`, the outermost first."""
    missing: list[str] = []
    folder = name.rpartition("/")[0]
    while folder and folder not in known_folders:
        missing.append(folder)
        folder = folder.rpartition("/")[0]
    return missing[::-1]


def _content(entry: Entry) -> Iterator[bytes]:
    if entry.source is None:
        yield entry.content
        return
    with io.FileIO(entry.source) as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _header(name: str, kind: bytes, *, mode: int, link: str = "", size_bytes: int = 0) -> bytes:
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.mtime = kind, mode, MTIME
    header.linkname, header.size = link, size_bytes
    return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _joined(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Join small blocks, so that only large ones are hashed and compressed."""
    buffered: list[bytes] = []
    buffered_bytes = 0
    for block in blocks:
        buffered.append(block)
        buffered_bytes += len(block)
        if buffered_bytes >= _BLOCK_BYTES:
            yield b"".join(buffered)
            buffered, buffered_bytes = [], 0
    yield b"".join(buffered)
