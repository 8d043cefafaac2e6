"""Where the names in a file are looked up: the user's own folders and the environment's path."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from scaffold.read._libraries import IMPORTED_LIBRARIES

_RESERVED = frozenset(sys.stdlib_module_names) | IMPORTED_LIBRARIES


def search_path(folder: Path) -> list[str]:
    """The path for a file in `folder`: its own folder, where we are, the `src` of both, and `sys.path`.

    A folder of the user's comes first, as it does when their script runs, unless something in it would hide a
    module of the standard library or of a model library.
    """
    here = Path.cwd()
    own = [folder.resolve(), folder.resolve() / "src", here, here / "src"]
    folders = [str(f) for f in dict.fromkeys(own) if f.is_dir()]
    known = [str(here) if entry == "" else entry for entry in sys.path]
    first = [f for f in folders if f not in known and not _hides(Path(f))]
    last = [f for f in folders if f not in known and f not in first]
    return [*first, *known, *last]


@contextlib.contextmanager
def searching(path: list[str]) -> Iterator[None]:
    """Look modules up along `path` for a while."""
    before = sys.path[:]
    sys.path[:] = path
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


def _hides(folder: Path) -> bool:
    return any(_RESERVED & {entry.stem} for entry in folder.iterdir() if _is_module(entry))


def _is_module(entry: Path) -> bool:
    return entry.suffix == ".py" or (entry / "__init__.py").is_file()
