"""Watch which files in some folders are opened, also by C++ code, which an audit hook does not see.

Linux reports this (inotify); other systems do not. Standard library only: the traced process uses it.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence

_OPENED, _IS_FOLDER = 0x20, 0x40000000
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 1 << 20
MOST_FOLDERS = 200
_DEPTH = 4
_SKIPPED = ("__pycache__", "site-packages", "node_modules")


class Watch:
    """Watches folders and those in them, hidden ones and environments left out."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._places: dict[int, str] = {}
        self._file = -1
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            self._file = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (AttributeError, OSError, TypeError):
            return
        for place in _below(folders) if self._file >= 0 else ():
            number = libc.inotify_add_watch(self._file, os.fsencode(place), _OPENED)
            if number >= 0:
                self._places[number] = place

    def read_opened_paths(self) -> set[str]:
        """Return the paths of the files opened since the last call, by this process or another."""
        paths: set[str] = set()
        while self._file >= 0:
            try:
                events = os.read(self._file, _BUFFER_BYTES)
            except OSError:
                break
            start = 0
            while start < len(events):
                number, mask, _, size = _EVENT.unpack_from(events, start)
                start += _EVENT.size
                name = os.fsdecode(events[start : start + size].rstrip(b"\0"))
                start += size
                if name and number in self._places and not mask & _IS_FOLDER:
                    paths.add(os.path.join(self._places[number], name))  # noqa: PTH118 - paths as text
        return paths


def _below(folders: Sequence[str]) -> Iterator[str]:
    """Yield the folders and their subfolders, the outer ones first."""
    level, visited = list(dict.fromkeys(folders)), set(folders)
    for _ in range(_DEPTH):
        inner: list[str] = []
        for place in level:
            yield place
            if len(visited) >= MOST_FOLDERS:
                continue
            try:
                entries = [entry for entry in os.scandir(place) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            for entry in entries:
                hidden = entry.name.startswith(".") or entry.name in _SKIPPED
                environment = os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH110, PTH118
                if not hidden and not environment and entry.path not in visited:
                    visited.add(entry.path)
                    inner.append(entry.path)
        level = inner
