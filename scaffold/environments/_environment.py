"""Python environments: that of a model, and the running one."""

from __future__ import annotations

import contextlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python with the libraries of a model."""

    python: Path
    """Its interpreter."""
    version: str
    """`3.11`."""
    full_version: str
    """`3.11.7`."""
    path: tuple[str, ...]
    """Its `sys.path`, without the working directory and the user's own folders."""
    prefixes: tuple[str, ...]
    """The folders that its interpreter and its standard library are installed in."""
    overlay: tuple[str, ...] = ()
    """Folders to append to its path. The first holds the package `scaffold` and nothing else."""
    running: bool = False
    """Whether it is the environment of this process."""
    description: str = ""
    """What to call it in a message: `this environment (Python 3.11.7)`."""
    notes: tuple[str, ...] = ()
    """Notes for the user on how it was made, one sentence each."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The real folders that its processes read: interpreter, libraries, editable installs, overlay."""
        links = [str(link) for folder in self.overlay for link in Path(folder).glob(PACKAGE.name)]
        named = (*self.prefixes, *self.path, *_editable_folders(self.path), *self.overlay, *links)
        interpreter = str(self.python.resolve().parent)
        return unique([str(Path(name).resolve()) for name in (*named, interpreter) if Path(name).exists()])


def running_environment() -> Environment:
    """Return the environment of this process."""
    first = sys.path[0] if sys.path else ""
    # `python -m` and `python FILE` put the working directory, or the file's, first on `sys.path`.
    beside = {"", str(Path.cwd()), str(Path(sys.argv[0] or ".").absolute().parent)}
    path = sys.path[1:] if first in beside and not getattr(sys.flags, "safe_path", False) else sys.path
    return Environment(
        python=Path(sys.executable),
        version=f"{sys.version_info.major}.{sys.version_info.minor}",
        full_version=platform.python_version(),
        path=tuple(entry for entry in path if entry),
        prefixes=unique([sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]),
        running=True,
        description=f"this environment (Python {platform.python_version()})",
    )


def unique(values: Sequence[str]) -> tuple[str, ...]:
    """Return the values without repeats."""
    return tuple(dict.fromkeys(values))


def _editable_folders(path: Sequence[str]) -> list[str]:
    """Return the folders of editable installs, which may not be on the path. Source: PEP 610."""
    folders = []
    for note in (note for entry in path for note in Path(entry).glob("*.dist-info/direct_url.json")):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            origin = json.loads(note.read_text(encoding="utf-8"))
            if origin.get("dir_info", {}).get("editable"):
                folders.append(unquote(urlsplit(origin.get("url", "")).path))
    return folders
