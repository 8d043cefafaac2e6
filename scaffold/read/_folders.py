"""Import a model's local modules from the user's folders, and only those that the file names.

Anybody may have put files into the folder of a model. With that folder on `sys.path`, a `numpy.py` or a
`cupy.py` in it would be imported because some library asks for that name. So these folders are on no path:
the last finder returns a module from them if the model's file names it, or if a module from them imports it.

Standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType
from typing import Any

from scaffold.base.modules import Home, home_of
from scaffold.spec import GlobalName


def own_folders(folder: Path) -> list[Path]:
    """The folders where code of a file in `folder` may lie: its own, the current one, and `src` of both."""
    here = Path.cwd()
    places = [folder.resolve(), folder.resolve() / "src", here, here / "src"]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def path_without(folders: Sequence[Path]) -> list[str]:
    """`sys.path` without these folders, as far as they come before the standard library.

    `python -m` puts the current folder there. Entries after the standard library were installed.
    """
    standard = os.path.dirname(os.__file__)  # noqa: PTH120 - an entry of `sys.path` is text
    end = sys.path.index(standard) if standard in sys.path else len(sys.path)
    own = {os.path.realpath(folder) for folder in folders}
    return [
        entry
        for number, entry in enumerate(sys.path)
        if entry and (number > end or os.path.realpath(entry) not in own)
    ]


@contextlib.contextmanager
def importing(folders: Sequence[Path], names: Sequence[GlobalName]) -> Iterator[None]:
    """Have the modules in `folders` imported that a file names, and what those import, and no others."""
    finder = _OwnFinder(folders, frozenset(name.module.partition(".")[0] for name in names))
    before = sys.path[:]
    sys.path[:] = path_without(folders)
    sys.meta_path.append(finder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = before


class _OwnFinder:
    """Finds top-level modules in the user's folders, for those who may have them."""

    def __init__(self, folders: Sequence[Path], wanted: frozenset[str]) -> None:
        self._folders = [str(folder) for folder in folders]
        self._wanted = wanted

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """The spec of a module that the file names, or that a module in the folders asks for."""
        if path is not None or not (name in self._wanted or self._is_asked_by_own()):
            return None
        return PathFinder.find_spec(name, self._folders)

    def _is_asked_by_own(self) -> bool:
        frame = _importer()
        file = frame.f_globals.get("__file__") if frame is not None else None
        if not isinstance(file, str):
            return False
        place = Path(file).resolve()
        return home_of(place) is Home.LOCAL and any(place.is_relative_to(folder) for folder in self._folders)


def _importer() -> FrameType | None:
    """The frame of the code that runs the import."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name != __name__ and not name.startswith(("importlib", "_frozen_importlib")):
            return frame
        frame = frame.f_back
    return None
