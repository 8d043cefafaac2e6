"""Files as one layer of an image: the same files give the same bytes, on any machine and at any time.

Names are sorted, times and owners fixed, modes brought down to 0644 and 0755. Layers are compressed by
ISA-L at level 1, a tenth of zlib's time. Its levels 0 to 2 gave the same bytes on every x86 instruction set
that was tried (SSE4.2, AVX2, AVX-512); level 3 did not, so it is not used.
"""

from __future__ import annotations

import errno
import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from queue import Queue
from types import TracebackType
from typing import IO, Any, Protocol, cast

from scaffold.errors import DiskFullError, ImageError

GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MTIME = 1  # a second past the epoch: some programs read 0 as "no time"
_LEVEL = 1
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a layer. A symbolic link has a `link`, a made-up file `content`, a real one `source`."""

    name: str
    """Where it goes in the image, without the leading slash."""
    source: Path | None = None
    content: bytes = b""
    link: str = ""
    executable: bool = False

    def size_bytes(self) -> int:
        """Return the bytes of its content."""
        return self.source.stat().st_size if self.source else len(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes that a registry stores, by digest. `diff_id` is the digest of a layer before compression."""

    digest: str
    size_bytes: int
    media_type: str
    path: Path | None = None
    diff_id: str = ""

    def descriptor(self) -> dict[str, Any]:
        """Return how a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size_bytes}


def file_entries(
    folder: Path, target: str, *, skip: Callable[[str], bool] = lambda _: False
) -> Iterator[Entry]:
    """Yield what lies in `folder`, as it will lie under `target`. `skip` is asked with relative paths."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if skip(relative):
            continue
        name = f"{target}/{relative}".strip("/")
        if path.is_symlink():
            yield Entry(name=name, link=str(path.readlink()))
        elif path.is_file():
            yield Entry(name=name, source=path, executable=bool(path.stat().st_mode & stat.S_IXUSR))


def write_layer(
    entries: Iterable[Entry], path: Path, on_bytes: Callable[[int], None] = lambda _: None
) -> Blob:
    """Write the entries to `path` as a compressed tar and return what it is.

    Memory does not grow with the files: they are read and written in blocks.

    Raises:
        DiskFullError: There is no room for it.
        ImageError: A file cannot be read, or changed while it was read.
    """
    ordered = sorted(entries, key=lambda entry: entry.name)
    try:
        with path.open("wb") as raw, _LayerFile(raw, on_bytes) as layer:
            write_tar(ordered, layer)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(str(path.parent), error.strerror or "full") from error
        raise ImageError(f"A file of the image cannot be read: {error}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return layer.blob(path)


def write_tar(entries: Iterable[Entry], file: _Output) -> None:
    """Write the entries, which are sorted by name, and the folders above them to `file`."""
    made: set[str] = set()
    with tarfile.TarFile(
        fileobj=cast("IO[bytes]", file), mode="w", format=tarfile.PAX_FORMAT, copybufsize=_BLOCK_BYTES
    ) as tar:
        for entry in entries:
            for parent in [str(above) for above in PurePosixPath(entry.name).parents][-2::-1]:
                if parent not in made:
                    made.add(parent)
                    tar.addfile(_header(parent, tarfile.DIRTYPE, mode=0o755))
            if entry.link:
                header = _header(entry.name, tarfile.SYMTYPE, mode=0o777)
                header.linkname = entry.link
                tar.addfile(header)
                continue
            header = _header(entry.name, tarfile.REGTYPE, mode=0o755 if entry.executable else 0o644)
            with entry.source.open("rb") if entry.source else io.BytesIO(entry.content) as content:
                header.size = entry.size_bytes()
                tar.addfile(header, content)


def _header(name: str, kind: bytes, *, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.mtime = kind, mode, MTIME
    return header


class _Output(Protocol):
    """What a tar is written to."""

    def tell(self) -> int: ...
    def write(self, block: bytes, /) -> int: ...


class _LayerFile:
    """Compresses what is written to it, and knows both digests at the end.

    The uncompressed bytes are hashed in a thread of their own while the compressor works on them.
    """

    def __init__(self, raw: IO[bytes], on_bytes: Callable[[int], None]) -> None:
        self._raw, self._on_bytes = raw, on_bytes
        self._compressor = _compressor()
        self._plain, self._packed = hashlib.sha256(), hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._size_bytes = 0
        self._blocks: Queue[bytes] = Queue(maxsize=8)
        self._hasher = threading.Thread(target=self._hash_blocks, daemon=True)
        self._hasher.start()

    def __enter__(self) -> _LayerFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._pass_on()
                self._emit(self._compressor.flush())
        finally:
            self._blocks.put(b"")
            self._hasher.join()

    def tell(self) -> int:
        """Return the place in the tar: tarfile asks for it once, at the start."""
        return 0

    def write(self, block: bytes) -> int:
        """Take some bytes; small ones are gathered."""
        self._pending.append(block)
        self._pending_bytes += len(block)
        if self._pending_bytes >= _BLOCK_BYTES:
            self._pass_on()
        return len(block)

    def blob(self, path: Path) -> Blob:
        """Return what was written."""
        return Blob(
            digest=f"sha256:{self._packed.hexdigest()}",
            diff_id=f"sha256:{self._plain.hexdigest()}",
            size_bytes=self._size_bytes,
            media_type=GZIP_LAYER,
            path=path,
        )

    def _pass_on(self) -> None:
        block = b"".join(self._pending)
        self._pending, self._pending_bytes = [], 0
        if block:
            self._blocks.put(block)
            self._emit(self._compressor.compress(block))
            self._on_bytes(len(block))

    def _emit(self, packed: bytes) -> None:
        self._packed.update(packed)
        self._size_bytes += len(packed)
        self._raw.write(packed)

    def _hash_blocks(self) -> None:
        while block := self._blocks.get():
            self._plain.update(block)


def _compressor() -> Any:
    from isal import isal_zlib

    return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
