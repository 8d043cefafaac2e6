"""Record the imports and opened files of a model in the process that loads it.

A finder in `sys.meta_path` records imports, and an audit hook records files that Python opens. Standard
library only: the process must import no other module that the model does not import.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

_IMPORTING = ("importlib", "_frozen_importlib")
_OF_MODEL = (
    "scaffold.base.model",
    "scaffold.base.streams",
    "scaffold.base.unpickle",
    "scaffold.worker._rehearse",
)
"""Our modules that load and call the model: their imports count as the model's."""
RECORDED = ("load", "introspect", "predict")


class Witness:
    """The imports, variables and files of a process, by phase.

    The phases are `start`, `read` (our own reading of files), `load`, `introspect`, `wait` and `predict`.
    """

    def __init__(self, folder: str, hidden: Mapping[str, str], installed: Collection[str]) -> None:
        """Start with empty records.

        Args:
            folder: The worker's own folder: files there are not the model's.
            hidden: Distributions to hide, by the module that they provide.
            installed: Folders with installed distributions.
        """
        self.folder = folder
        self.passed_over: tuple[str, ...] = (folder,)
        """Folders whose files are not the model's: the worker's own ones."""
        self.hidden = dict(hidden)
        self.installed = sorted((os.path.join(place, "") for place in installed), key=len, reverse=True)  # noqa: PTH118
        self.named: set[str] = set()
        """The topmost modules that the model's files name: these may be the user's own."""
        self.phase = "start"
        self.imported: dict[str, str] = {}
        """Phase, by the place of an installed module that the model imported, with dots."""
        self.ours: dict[str, str] = {}
        """The same for modules that this package imported for its own work."""
        self.missed: dict[str, tuple[str, str]] = {}
        """Importer and phase, by the hidden distribution whose import was tried."""
        self.absent: dict[str, str] = {}
        """Importer, by the module that is not installed."""
        self.own: dict[str, tuple[str, str]] = {}
        """File and phase, by the name of a module that no distribution provides."""
        self.variables: dict[str, tuple[bool, bool]] = {}
        """Whether it is set, and whether the user's own code read it, by the name of a variable."""
        self.copiers: set[str] = set()
        """The modules that read all variables at once."""
        self.opened: dict[str, str] = {}
        """Phase, by the path of a file opened for reading."""
        self.unaudited: dict[str, str] = {}
        """The same for files that were opened without an audit event."""
        self._of_model: dict[str, bool] = {}
        """Whether the model's code imported an installed module, by the module's name."""

    def hide(self, hidden: Mapping[str, str]) -> None:
        """Hide distributions from now on, and remove their modules from `sys.modules`."""
        self.hidden = dict(hidden)
        for name, module in list(sys.modules.items()):
            parts = self.place(getattr(getattr(module, "__spec__", None), "origin", None))
            if parts is not None and self._hidden_at(parts):
                del sys.modules[name]
        self.ours = {at: phase for at, phase in self.ours.items() if not self._hidden_at(at.split("."))}

    def place(self, origin: str | None) -> list[str] | None:
        """Return the parts of an installed module's place below its folder; `None` if it is not installed."""
        folder = next((folder for folder in self.installed if (origin or "").startswith(folder)), None)
        if folder is None:
            return None
        assert origin is not None
        parts = list(Path(origin[len(folder) :]).parts)
        parts[-1] = parts[-1].partition(".")[0]
        return parts

    def admit(self, spec: Any) -> bool:
        """Record the import of a module; return whether it is allowed.

        A module of the user's own, or of the standard library, may have the name of a hidden one.
        """
        # By its file: a library may contain other libraries and put their folder on `sys.path`.
        parts = self.place(spec.origin)
        if parts is None:
            if spec.has_location:
                self.own.setdefault(spec.name, (spec.origin, self.phase))
            return True
        if distribution := self._hidden_at(parts):
            self.missed.setdefault(distribution, (importer(), self.phase))
            return False
        name = ".".join(parts).removesuffix(".__init__")
        self._of_model[spec.name] = self.phase in RECORDED and self._is_of_model()
        modules = self.imported if self._of_model[spec.name] else self.ours
        modules.setdefault(name, self.phase)
        return True

    def _is_of_model(self) -> bool:
        """Whether code of the model, not of this package, started the current import.

        Modules that are being imported are skipped: their importer is responsible for their imports.
        """
        frame = _importing_frame()
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            if frame.f_code.co_name == "<module>":
                if name in self._of_model:
                    return self._of_model[name]
            elif not name.startswith(_IMPORTING):
                return not name.startswith("scaffold.") or name.startswith(_OF_MODEL)
            frame = frame.f_back
        return True

    def _hidden_at(self, parts: list[str]) -> str | None:
        """Return the hidden distribution of the module at this place, if any."""
        names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return next((self.hidden[name] for name in names if name in self.hidden), None)

    def audit_hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """Return a function for `sys.addaudithook`; a method would take twice the time at each event.

        It records what is opened for reading.
        """

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            if event in ("open", "sqlite3.connect") and self.phase in RECORDED:
                self._note_opened(arguments[0], arguments[1] if event == "open" else "")

        return note

    def _note_opened(self, path: Any, mode: Any) -> None:
        if isinstance(path, (bytes, os.PathLike)):
            path = os.fsdecode(path)
        if isinstance(path, str) and not (isinstance(mode, str) and set(mode) & set("wax+")):
            path = os.path.abspath(path)  # noqa: PTH100 - a Path would be slower
            if not path.startswith(self.passed_over):
                self.opened.setdefault(path, self.phase)

    def note_variable(self, name: str, *, present: bool, file: str) -> None:
        """Record that code in `file` read an environment variable."""
        own = self.place(file) is None and not is_below(os.path.realpath(file), interpreter_folders())
        earlier = self.variables.get(name)
        # A variable that was absent at first stays absent: `setdefault` sets it.
        was_present, was_own = earlier or (present, own)
        self.variables[name] = (present and was_present, own or was_own)

    def note_unaudited(self, paths: set[str]) -> None:
        """Record files that were opened in this phase and that no audit event named."""
        for path in paths:
            if path not in self.opened and not path.startswith(self.passed_over):
                self.unaudited.setdefault(path, self.phase)

    def as_json(self) -> dict[str, Any]:
        """Return all records as JSON."""
        names = ("imported", "ours", "missed", "absent", "own", "opened", "unaudited")
        return {name: dict(getattr(self, name)) for name in names} | {"libraries": shared_libraries()}


class Finder:
    """A meta path finder that wraps the former entries of `sys.meta_path`.

    Hidden distributions are not found. A module in the user's folders is found only if the model's files name
    its top-level package or the user's code imports it: not if a library looks for an optional dependency of
    that name.
    """

    def __init__(self, entries: list[Any], witness: Witness, local: Collection[str] = ()) -> None:
        """Wrap `entries`.

        Args:
            entries: The former entries of `sys.meta_path`.
            witness: Records each import.
            local: The user's folders.
        """
        self._entries, self._witness = entries, witness
        self._local = [os.path.realpath(folder) for folder in local]

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the first spec of the entries that is allowed."""
        for entry in self._entries:
            spec = entry.find_spec(name, path, target)
            if spec is None or (path is None and self._is_undeclared_local(name, spec)):
                continue
            return spec if self._witness.admit(spec) else None
        self._witness.absent.setdefault(name, importer())
        return None

    def find_distributions(self, *arguments: Any, **keywords: Any) -> Any:
        """Yield the distributions of the entries, without the hidden ones."""
        hidden = set(self._witness.hidden.values())
        for entry in self._entries:
            find = getattr(entry, "find_distributions", None)
            for distribution in find(*arguments, **keywords) if find else ():
                # The name of the folder is faster to read than the metadata.
                name = getattr(distribution, "_normalized_name", None) or distribution.metadata["Name"] or ""
                if re.sub(r"[-_.]+", "-", name).lower() not in hidden:
                    yield distribution

    def invalidate_caches(self) -> None:
        """Clear the caches of the entries."""
        for entry in self._entries:
            if hasattr(entry, "invalidate_caches"):
                entry.invalidate_caches()

    def _is_undeclared_local(self, name: str, spec: Any) -> bool:
        """Whether a library imports a user's module that no file of the model names."""
        if name in self._witness.named:
            return False
        places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
        return any(map(self._is_local, places)) and not self._is_local(_importing_file())

    def _is_local(self, place: str | None) -> bool:
        if not place or self._witness.place(place) is not None:
            return False
        real = os.path.realpath(place)
        # A home folder may hold the user's code and the interpreter.
        return not is_below(real, interpreter_folders()) and is_below(real, self._local)


def interpreter_folders() -> list[str]:
    """Return the folders of the interpreter and of its environment."""
    return [os.path.realpath(folder) for folder in (sys.prefix, sys.base_prefix)]


def is_below(place: str, folders: Collection[str]) -> bool:
    """Whether a path is one of the folders or lies in one."""
    return any(place == folder or place.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def importer() -> str:
    """Return the name of the module that started the current import."""
    frame = _importing_frame()
    return str(frame.f_globals.get("__name__", "")) if frame else ""


def _importing_file() -> str | None:
    frame = _importing_frame()
    return frame.f_code.co_filename if frame else None


def _importing_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(_IMPORTING) and frame.f_globals is not globals():
            return frame
        frame = frame.f_back
    return None


def shared_libraries() -> list[str]:
    """Return the shared libraries that this process has mapped; empty without `/proc`."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return sorted(path for path in paths if re.search(r"\.so(\.|$)", path))
