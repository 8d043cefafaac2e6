"""Runs alone, in a clean process: load the model and predict, as the service will, and tell what that took.

Started by `_trace.py` as a file, never imported. Standard library only, and of this package only what the
service does too: load and call the model. Distributions that the service is not going to have are hidden, so
that what is merely installed here changes nothing.

The folder that it is given holds `job.pickle`; `request.pickle` comes later, for the model is loaded while
others still find out how it is called. The answer goes to `found.json`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import pickle
import re
import sys
import time
import traceback
import types
from pathlib import Path
from typing import Any

_POLL_S = 0.01


class Witness:
    """What was looked for and opened, and in which phase."""

    def __init__(self, folder: Path, hidden: dict[str, str], installed: list[str]) -> None:
        self.folder = str(folder)
        """Our own: what is opened there says nothing of the model."""
        self.hidden = hidden
        """Names of hidden distributions by the module that they bring."""
        self.installed = sorted((os.path.join(folder, "") for folder in installed), key=len, reverse=True)  # noqa: PTH118
        """Folders that distributions are installed into, as prefixes, the deepest first."""
        self.phase = "start"
        self.imported: dict[str, str] = {}
        """Phase, by the place of a module that was found among those folders, with dots."""
        self.missed: dict[str, tuple[str, str]] = {}
        """Importer and phase, by the hidden distribution that was asked for."""
        self.absent: dict[str, str] = {}
        """Importer, by the module that is not here at all."""
        self.own: dict[str, tuple[str, str]] = {}
        """File and phase, by the name of a module that was found outside those folders."""
        self.opened: dict[str, str] = {}
        """Phase, by the path of a file opened for reading."""
        self.unheard: dict[str, str] = {}
        """The same for files that were opened and of which no hook told."""

    def judge(self, spec: Any) -> bool:
        """Return whether the module may be found, and record that it was asked for.

        A module of the user's own, or of the standard library, may have the name of a hidden one.
        """
        folder = next((folder for folder in self.installed if (spec.origin or "").startswith(folder)), None)
        if folder is None:
            if spec.has_location:
                self.own.setdefault(spec.name, (spec.origin, self.phase))
            return True
        # By its place: a library may have others inside, and put their folder on `sys.path`.
        parts = list(Path(spec.origin[len(folder) :]).parts)
        parts[-1] = parts[-1].partition(".")[0]
        for end in range(1, len(parts) + 1):
            distribution = self.hidden.get(".".join(parts[:end]))
            if distribution:
                self.missed.setdefault(distribution, (_importer(), self.phase))
                return False
        self.imported.setdefault(".".join(parts).removesuffix(".__init__"), self.phase)
        return True

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Record what is opened for reading."""
        if event in ("open", "sqlite3.connect") and self.phase in ("load", "wait", "predict"):
            path, mode = arguments[0], arguments[1] if event == "open" else ""
            if isinstance(path, (bytes, os.PathLike)):
                path = os.fsdecode(path)
            if isinstance(path, str) and not (isinstance(mode, str) and set(mode) & set("wax+")):
                path = os.path.abspath(path)  # noqa: PTH100 - a Path would be slower
                if not path.startswith(self.folder):
                    self.opened.setdefault(path, self.phase)

    def note_unheard(self, paths: set[str]) -> None:
        """Record what else was opened in this phase."""
        for path in paths:
            if path not in self.opened and not path.startswith(self.folder):
                self.unheard.setdefault(path, self.phase)


class Finder:
    """Stands in `sys.meta_path` for the entries that were there, and does not find what is hidden."""

    def __init__(self, entries: list[Any], witness: Witness) -> None:
        self._entries, self._witness = entries, witness

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """What the first entry finds that finds anything."""
        for entry in self._entries:
            spec = entry.find_spec(name, path, target)
            if spec is not None:
                return spec if self._witness.judge(spec) else None
        self._witness.absent.setdefault(name, _importer())
        return None

    def find_distributions(self, *arguments: Any, **keywords: Any) -> Any:
        """The entries' distributions, without the hidden ones."""
        hidden = set(self._witness.hidden.values())
        for entry in self._entries:
            find = getattr(entry, "find_distributions", None)
            for found in find(*arguments, **keywords) if find else ():
                # The name in the folder's name is quicker to have than that in the metadata.
                name = getattr(found, "_normalized_name", None) or found.metadata["Name"] or ""
                if re.sub(r"[-_.]+", "-", name).lower() not in hidden:
                    yield found

    def invalidate_caches(self) -> None:
        """Forget what folders held."""
        for entry in self._entries:
            if hasattr(entry, "invalidate_caches"):
                entry.invalidate_caches()


def _importer() -> str:
    """The module whose code asked for an import."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("importlib", "_frozen_importlib")) and frame.f_globals is not globals():
            return str(name)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def _same(got: Any, want: Any) -> bool:
    """Whether two JSON values are equal, floats to 1e-6."""
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        return math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(_same(*pair) for pair in zip(got, want, strict=True))
    if isinstance(got, dict) and isinstance(want, dict):
        return got.keys() == want.keys() and all(_same(got[key], want[key]) for key in want)
    return type(got) is type(want) and bool(got == want)


def _generated(code: dict[str, str]) -> types.ModuleType:
    """The package `app` with the generated modules in it, from their text."""
    package = types.ModuleType("app")
    package.__path__ = []
    sys.modules["app"] = package
    for file in sorted(code, key=lambda file: file != "schemas.py"):
        name = Path(file).stem
        module = types.ModuleType(f"app.{name}")
        module.__package__ = "app"
        sys.modules[module.__name__] = module
        exec(compile(code[file], file, "exec"), module.__dict__)  # noqa: S102 - our own text
        setattr(package, name, module)
    return package


def _answers(model: Any, request: dict[str, Any], requests: list[Any]) -> list[Any]:
    """The model's answers to the recorded requests, as the service would give them."""
    from scaffold import _model

    app = _generated(request["code"])
    call = request["call"]
    records = [app.schemas.ModelInput.model_validate_json(json.dumps(body)) for body in requests]
    if call.batched:
        given = app.convert.from_model(_model.invoke(model, call, app.convert.to_model(records)))
    else:
        given = [
            app.convert.from_model(_model.invoke(model, call, app.convert.to_model(record)))
            for record in records
        ]
    written = [
        answer.model_dump_json(by_alias=True, serialize_as_any=True, warnings=False) for answer in given
    ]
    return [json.loads(text) for text in written]


def _wait_for(path: Path) -> Any:
    """The content of the pickle at `path` once it is there; ends the process when its parent is gone."""
    parent = os.getppid()
    while not path.exists():
        if os.getppid() != parent:
            sys.exit(1)
        time.sleep(_POLL_S)
    return pickle.loads(path.read_bytes())


def _failure(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "trace": "".join(traceback.format_tb(error.__traceback__)[-3:]),
    }


def _libraries() -> list[str]:
    """The shared libraries that this process has mapped; none where the system does not tell."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[5] for line in lines if line.count("/")}
    return sorted(path for path in paths if re.search(r"\.so(\.|$)", path))


def _trace(folder: Path, job: dict[str, Any], witness: Witness) -> dict[str, Any]:
    """Load, wait, predict; whatever fails is part of the answer."""
    from scaffold import _model, _watch

    found: dict[str, Any] = {"failure": None, "matched": None}
    watch = _watch.Watch(job["watched"])
    try:
        witness.phase = "load"
        model = _model.load(job["model"], job["format"], job["names"], job["sha256"])
        witness.note_unheard(watch.opened())
        witness.phase = "wait"
        for module in job["preload"]:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        request = _wait_for(folder / "request.pickle")
        wire = json.loads(request["wire"])
        watch.opened()  # what others opened meanwhile
        witness.phase = "predict"
        found["matched"] = _same(_answers(model, request, wire["requests"]), wire["answers"])
        witness.note_unheard(watch.opened())
    except BaseException as error:
        found["failure"] = _failure(error)
    found["phase"] = witness.phase
    witness.phase = "end"
    return found | {
        "imported": witness.imported,
        "missed": witness.missed,
        "absent": witness.absent,
        "own": witness.own,
        "opened": witness.opened,
        "unheard": witness.unheard,
        "libraries": _libraries(),
    }


def _main(folder: Path) -> None:
    del sys.argv[1:]
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # Our own two modules first, from where this file is: with the model's libraries they have nothing to do.
    sys.path[0] = str(Path(__file__).parents[2])
    from scaffold import _model, _watch  # noqa: F401

    del sys.path[0]
    job = pickle.loads((folder / "job.pickle").read_bytes())
    sys.path[:] = [*job["path"], *(entry for entry in sys.path if entry not in job["path"])]
    witness = Witness(folder, job["hidden"], job["installed"])
    sys.meta_path[:] = [Finder(list(sys.meta_path), witness)]
    sys.addaudithook(witness.audit)
    found = _trace(folder, job, witness)
    part = folder / "found.part"
    part.write_text(json.dumps(found))
    part.rename(folder / "found.json")
    # No destructors: some libraries hang or crash in theirs.
    os._exit(0)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
