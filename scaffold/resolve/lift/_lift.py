"""Lift definitions of a script or notebook into a module of the service, which the pickles then name."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType, ModuleType

from scaffold.base import model
from scaffold.errors import SourceNotFoundError
from scaffold.resolve.lift._carried import Carried, is_foreign, record_carried, replace_carried
from scaffold.resolve.lift._changes import calls_with
from scaffold.resolve.lift._compare import differences
from scaffold.resolve.lift._files import link_data_files, prepend_search_path, save
from scaffold.resolve.lift._moved import CLOUDPICKLE, Lifted
from scaffold.resolve.lift._origin import script_with_codes, script_with_names
from scaffold.resolve.lift._places import CannotLiftError
from scaffold.resolve.lift._script import Script
from scaffold.resolve.lift._select import Selection
from scaffold.spec import Artifact


def lift(
    artifacts: Sequence[Artifact], *, module: str, folder: Path, search: Sequence[Path], source: Path | None
) -> Lifted:
    """Lift what `artifacts` carry by value or look for in `__main__`, and write them anew into `folder`.

    Args:
        artifacts: The model and the pickled samples; their names have passed the trust gate.
        module: The name of the module to write.
        folder: An empty folder for the module and the files that point to it.
        search: Folders of local code.
        source: The script or notebook, if it was named.

    Raises:
        SourceNotFoundError: A name of `__main__` is defined nowhere.
        SourceChangedError: The script has changed since the file was made.
    """
    lifted = Lifted(module)
    names = sorted(
        {n.qualname.partition(".")[0] for a in artifacts for n in a.globals if n.module == "__main__"}
    )
    by_value = [a for a in artifacts if any(n.module in CLOUDPICKLE for n in a.globals)]
    if not names and not by_value:
        return lifted
    with prepend_search_path([folder, *search]):
        lifter = _Lifter(lifted, folder, list(search), source)
        if names:
            artifact = next(a for a in artifacts if any(n.module == "__main__" for n in a.globals))
            script = script_with_names(names, source, search, artifact.path.name)
            lifter.lift_names(names, script)
        carried = {artifact.path: lifter.record(artifact) for artifact in by_value}
        if any(carried.values()):
            lifter.lift_carried(carried)
        if lifted.text:
            for artifact in artifacts:
                if any(n.module in ("__main__", *CLOUDPICKLE) for n in artifact.globals):
                    lifter.rewrite(artifact, carried.get(artifact.path, Carried()))
    return lifted


class _Lifter:
    """Lifts the definitions for one set of files."""

    def __init__(self, lifted: Lifted, folder: Path, search: list[Path], source: Path | None) -> None:
        self._lifted = lifted
        self._folder = folder
        self._search = search
        self._source = source
        self._names: list[str] = []
        self._script: Script | None = None
        self._module: ModuleType | None = None
        self._places: dict[int, str] = {}
        """The name of each lifted definition, by the identity of the object in the file."""

    def lift_names(self, names: list[str], script: Script) -> None:
        self._script = script
        self._names = names
        selection = Selection(self._script, {}, ())
        for name in names:
            try:
                selection.need(name)
            except CannotLiftError as error:
                reason = f"'{name}' of {self._script.name} cannot stand in a module of its own: {error}"
                raise SourceNotFoundError("", "", (reason,)) from error
            self._lifted.notes += [
                f"{self._script.name} calls {call}; the service has {name} without what that changes in it"
                for call in calls_with(name, self._script)
            ]
        self._write(self._script, selection)

    def record(self, artifact: Artifact) -> Carried:
        """Load a file and return the functions and classes that it carries."""
        with replace_carried({}, {}, self._main()), record_carried() as carried:
            model.load(artifact.path, artifact.format, artifact.globals)
        return carried

    def lift_carried(self, carried: dict[Path, Carried]) -> None:
        combined = Carried()
        for part in carried.values():
            combined.functions += part.functions
            combined.classes += part.classes
        needed_by = next(path for path, part in carried.items() if part).name
        script = self._script or script_with_codes(combined.codes(), self._source, self._search, needed_by)
        if script is None:
            origins = sorted({Path(code.co_filename) for code in combined.codes()})
            names = ", ".join(origin.name for origin in origins if origin.is_file())
            self._note_gone(combined, f"its code is in {names}" if ", " in names else "its source is gone")
            return
        selection = Selection(script, combined.captured(), combined.codes())
        for name in self._names:
            selection.need(name)
        for target in combined.targets():
            if isinstance(target, FunctionType) and (_is_method(target, combined) or is_foreign(target)):
                continue
            try:
                self._places[id(target)] = _place(target, selection, script)
            except CannotLiftError as error:
                self._note_kept(target, str(error))
        if not self._places:
            return
        try:
            self._write(script, selection)
        except SourceNotFoundError as error:
            self._keep_all(combined, script, error.found[0])
            return
        name = self._difference(combined, script)
        if name:
            reason = f"{name} is not as {script.name} defines it; set it in the definition, or import it all"
            self._keep_all(combined, script, reason)

    def rewrite(self, artifact: Artifact, carried: Carried) -> None:
        """Write a file anew that points to the lifted module."""
        functions = {
            n: self._lifted_object(f) for n, f in enumerate(carried.functions) if id(f) in self._places
        }
        classes = {n: self._lifted_object(c) for n, c in enumerate(carried.classes) if id(c) in self._places}
        with replace_carried(functions, classes, self._main()):
            value = model.load(artifact.path, artifact.format, artifact.globals)
        # Two files may have one name: each gets a folder of its own.
        place = self._folder / f"file-{len(self._lifted.moved)}"
        place.mkdir(exist_ok=True)
        path = place / artifact.path.name
        save(value, path, artifact.format)
        self._lifted.moved[artifact.path] = path

    # ------------------------------------------------------------------ the module

    def _write(self, script: Script, selection: Selection) -> None:
        self._script = script
        self._lifted.script = script.name
        self._lifted.text = selection.text(f"What the model needs of {script.name}.")
        path = self._folder / f"{self._lifted.module}.py"
        path.write_text(self._lifted.text, encoding="utf-8")
        if "__file__" in self._lifted.text:
            link_data_files(path, self._search)
        self._module = _imported(self._lifted.module, path, script.name)

    def _main(self) -> dict[str, object]:
        if self._module is None:
            return {}
        return {name: vars(self._module)[name] for name in self._names}

    def _lifted_object(self, target: FunctionType | type) -> object:
        value: object = self._module
        for part in self._places[id(target)].split("."):
            value = getattr(value, part)
        return value

    def _difference(self, carried: Carried, script: Script) -> str:
        """Return the name of a lifted definition that differs from the model's, or `""`."""

        def lifted(target: FunctionType | type) -> object:
            return self._lifted_object(target) if id(target) in self._places else None

        return next(differences(carried, lifted, vars(self._module), script), "")

    def _keep_all(self, carried: Carried, script: Script, reason: str) -> None:
        """Keep all code in the file: partly lifted code would use other classes than the model's.

        What the file only names is lifted alone.
        """
        self._places.clear()
        self._lifted.script = self._lifted.text = ""
        sys.modules.pop(self._lifted.module, None)
        (self._folder / f"{self._lifted.module}.py").unlink()
        self._lifted.notes.clear()
        self._note_gone(carried, reason)
        if self._names:
            self._module = None
            self.lift_names(self._names, script)

    # ------------------------------------------------------------------ notes

    def _note_gone(self, carried: Carried, reason: str) -> None:
        names = sorted({_display_name(t) for t in carried.targets() if not _is_method(t, carried)})
        self._lifted.notes.append(_kept_note(", ".join(names[:5]), reason))

    def _note_kept(self, target: FunctionType | type, reason: str) -> None:
        self._lifted.notes.append(_kept_note(_display_name(target), reason))


def _kept_note(names: str, reason: str) -> str:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"{names} stays in the model file as bytecode of Python {python}, "
        f"and ties the service to it: {reason}"
    )


def _display_name(target: FunctionType | type) -> str:
    return target.__qualname__.replace(".<locals>", "").replace("<lambda>", "a lambda")


def _place(target: FunctionType | type, selection: Selection, script: Script) -> str:
    """Select the statements that `target` needs, and return its path in the lifted module."""
    qualname = target.__qualname__
    if "<locals>" not in qualname and "<lambda>" not in qualname:
        top = qualname.partition(".")[0]
        if not script.binding(top):
            raise CannotLiftError(f"{script.name} does not define it")
        selection.need(top)
        return qualname
    if isinstance(target, FunctionType):
        decorated = _decorated(target, script)
        if decorated is not None:
            selection.need(decorated)
            return decorated
        if target.__code__.co_name == "<lambda>":
            return selection.add_lambda(target)
    outer = qualname.partition(".<locals>")[0]
    if not script.binding(outer.partition(".")[0]):
        raise CannotLiftError(f"{script.name} does not define it")
    return selection.add_inner(target)


def _decorated(function: FunctionType, script: Script) -> str | None:
    """The name of the definition that a decorator without `functools.wraps` made `function` of."""
    decorator = function.__qualname__.partition(".")[0]
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):
            inner = cell.cell_contents
            name = getattr(inner, "__qualname__", "")
            defined = [s for s in script.binding(name) if s.definition == name and decorator in s.uses]
            if isinstance(inner, FunctionType) and defined:
                return str(name)
    return None


def _is_method(target: FunctionType | type, carried: Carried) -> bool:
    owner = target.__qualname__.rpartition(".")[0]
    return bool(owner) and any(owner == kind.__qualname__ for kind in carried.classes)


def _imported(name: str, path: Path, script: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        cause = f"lifted from {script}, it does not import: {type(error).__name__}: {error}"
        raise SourceNotFoundError("", "", (cause,)) from error
    return module
