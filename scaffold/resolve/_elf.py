"""The libraries that a shared library needs, read from its file. Source: the ELF-64 object file format."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB = 1, 5
_HEADER_BYTES = 64


def needed_libraries(path: Path) -> frozenset[str]:
    """Return the libraries that the library at `path` needs, such as `libgomp.so.1`; empty if not ELF-64."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _needed(mapped)
    except (OSError, OverflowError, ValueError, struct.error):
        return frozenset()


def _needed(mapped: mmap.mmap) -> frozenset[str]:
    if len(mapped) < _HEADER_BYTES or mapped[:6] != b"\x7fELF\x02\x01":
        return frozenset()
    (table,) = struct.unpack_from("<Q", mapped, 32)
    size, count = struct.unpack_from("<HH", mapped, 54)
    # Per segment: type, offset in the file, address, size in the file.
    segments = [struct.unpack_from("<I4xQQ8xQ", mapped, table + number * size) for number in range(count)]
    entries = [
        struct.unpack_from("<QQ", mapped, offset + place)
        for kind, offset, _, length in segments
        if kind == _DYNAMIC
        for place in range(0, length, 16)
    ]
    addresses = [value for tag, value in entries if tag == _STRTAB]
    for kind, offset, address, length in segments:
        if kind == _LOAD and addresses and address <= addresses[0] < address + length:
            strings = addresses[0] - address + offset
            return frozenset(_text(mapped, strings + value) for tag, value in entries if tag == _NEEDED)
    return frozenset()


def _text(mapped: mmap.mmap, start: int) -> str:
    return mapped[start : mapped.find(b"\0", start)].decode("utf-8", "replace")
