"""Local code for the service: the user's own modules, and definitions lifted from a script."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.base.modules import Home, Module, Modules, absolute
from scaffold.errors import NoSuchFileError, TwoModulesError
from scaffold.resolve.lift._moved import RESERVED_TOP_LEVEL, SCRIPT_MODULES, Lifted, Renamed, top_level_name
from scaffold.spec import Artifact, LocalSource

LIFTED_MODULE = "model_code"
_DYNAMIC = frozenset({"import_module", "__import__", "iter_modules", "walk_packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedSources:
    """The user's own code that the model needs."""

    sources: tuple[LocalSource, ...] = ()
    moved: Mapping[Path, Path] = field(default_factory=dict)
    """The new file by the old one, for each file that was rewritten to name the lifted module."""
    notes: tuple[str, ...] = ()


def collect_sources(
    artifacts: Sequence[Artifact],
    *,
    folder: Path,
    search: Sequence[Path],
    source: Path | None = None,
    include: Iterable[Path] = (),
    modules: Iterable[str] = (),
) -> CollectedSources:
    """Return the local code that a model and its samples need.

    Args:
        artifacts: The model first, then the pickled samples; their names have passed the trust gate.
        folder: An empty folder for the lifted module, which is imported from there afterwards.
        search: Folders of local code.
        source: The script or notebook that made the files, if the user named it.
        include: Files and folders to copy in any case.
        modules: Other required modules, such as those of the sample's classes.

    Raises:
        SourceNotFoundError: No script defines a name that a pickle looks for in `__main__`.
        SourceChangedError: The script has changed since the pickle was made.
        TwoModulesError: Two different local modules have one name.
        NoSuchFileError: A file to include does not exist.
    """
    included = list(include)
    collector = _Collector(search, included)
    lifted = Lifted(_unused_module_name(collector))
    if any(name.module in SCRIPT_MODULES for artifact in artifacts for name in artifact.globals):
        # libcst takes a third of a second to import, and most models do not need it.
        from scaffold.resolve.lift._lift import lift

        lifted = lift(artifacts, module=lifted.module, folder=folder, search=search, source=source)
    for artifact in artifacts:
        for name in artifact.globals:
            collector.need(name.module, f"{name.dotted} in {artifact.path.name}")
    for module in modules:
        collector.need(module, "the sample")
    if lifted.text:
        path = f"{lifted.module}.py"
        reason = f"lifted from {lifted.script}"
        collector.add(LocalSource(path=path, content=lifted.text.encode(), reason=reason, lifted=True))
        collector.need_imports(lifted.text, path, None)
    for extra in included:
        collector.include(extra)
    files = {lifted.moved.get(artifact.path, artifact.path): artifact for artifact in artifacts}
    renamed = Renamed(list(collector.sources.values()))
    if any(top_level_name(source.path) in RESERVED_TOP_LEVEL for source in renamed.sources):
        from scaffold.resolve.lift._rename import rename

        renamed = rename(renamed.sources, files, folder, search)
    return CollectedSources(
        sources=tuple(sorted(renamed.sources, key=lambda source: source.path)),
        moved={**lifted.moved, **renamed.moved},
        notes=(*lifted.notes, *renamed.notes),
    )


class _Collector:
    """Collects local files by following their imports."""

    def __init__(self, search: Sequence[Path], included: Sequence[Path]) -> None:
        self.sources: dict[str, LocalSource] = {}
        self.modules: set[str] = set()
        self.finder = Modules([str(folder) for folder in search])
        self._search = search
        self._included = {path.resolve() for path in included}

    def need(self, module: str, reason: str) -> None:
        """Add a local module, its parent packages, and the local modules that these import."""
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            self._add_module(".".join(parts[:depth]), reason)

    def need_imports(self, text: str, path: str, module: Module | None) -> None:
        """Add the local modules that the code in `text` imports."""
        for name in _imports(text, module):
            self.need(name, f"imported by {path}")

    def include(self, path: Path) -> None:
        """Add a file, or all files of a folder, and the local modules that they import."""
        if not path.exists():
            raise NoSuchFileError(str(path))
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if (
                not file.is_file()
                or "__pycache__" in file.parts
                or any(p.startswith(".") for p in file.parts[-1:])
            ):
                continue
            place = self._place(file)
            self.add(LocalSource(path=place, content=file.read_bytes(), reason="asked for with --include"))
            if file.suffix == ".py":
                self.need_imports(file.read_text(encoding="utf-8", errors="replace"), place, None)

    def add(self, source: LocalSource) -> None:
        """Add a file unless its path is taken."""
        self.sources.setdefault(source.path, source)

    def _add_module(self, name: str, reason: str) -> None:
        if name in self.modules:
            return
        module = self.finder.module(name)
        if module is None or module.home is not Home.LOCAL or name.partition(".")[0] == "scaffold":
            return
        self.modules.add(name)
        if "." not in name:
            module = self._unambiguous(module, reason)
        if module.file is None:
            return
        path = _path_of(module)
        self.add(LocalSource(path=path, content=module.file.read_bytes(), reason=reason))
        if module.compiled:
            return
        text = module.file.read_text(encoding="utf-8", errors="replace")
        self.need_imports(text, path, module)
        if module.folders and any(word in text for word in _DYNAMIC):
            self._add_package(module, f"{path} imports by name")

    def _add_package(self, package: Module, reason: str) -> None:
        for folder in package.folders:
            for file in sorted(Path(folder).rglob("*.py")):
                inside = file.relative_to(folder).with_suffix("")
                self.need(".".join([package.name, *inside.parts]).removesuffix(".__init__"), reason)

    def _unambiguous(self, module: Module, reason: str) -> Module:
        """Return the module to copy when several folders have different modules of the same name."""
        candidates: dict[Path, Module] = {}
        for folder in self._search:
            candidate = Modules([str(folder)]).module(module.name)
            if candidate is not None and candidate.home is Home.LOCAL and candidate.file is not None:
                candidates.setdefault(candidate.file.resolve(), candidate)
        contents = {file.read_bytes() for file in candidates if file.is_file()}
        if len(contents) < 2:
            return module
        chosen = [candidate for file, candidate in candidates.items() if file in self._included]
        if len(chosen) != 1:
            raise TwoModulesError(module.name, tuple(str(file) for file in candidates), reason)
        return chosen[0]

    def _place(self, file: Path) -> str:
        """Return the path of a file in the project: relative to the deepest folder of local code."""
        roots = sorted((folder.resolve() for folder in self._search), key=lambda root: -len(root.parts))
        file = file.resolve()
        root = next((root for root in roots if file.is_relative_to(root)), file.parent)
        return file.relative_to(root).as_posix()


def _unused_module_name(collector: _Collector) -> str:
    """Return a name for the lifted module that no module has."""
    names = [LIFTED_MODULE, *(f"{LIFTED_MODULE}_{number}" for number in range(2, 100))]
    return next(name for name in names if collector.finder.module(name) is None)


def _path_of(module: Module) -> str:
    """Return the path in the project at which a module can be imported."""
    assert module.file is not None
    parts = module.name.split(".")
    if module.folders:
        return "/".join([*parts, module.file.name])
    return "/".join([*parts[:-1], module.file.name])


def _imports(text: str, module: Module | None) -> Iterator[str]:
    """Yield the modules that code may import: those of every `import` statement in it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            target = "." * node.level + (node.module or "")
            base = absolute(module, target) if module is not None else target.lstrip(".")
            yield base
            # A name that is imported from a package may be one of its modules.
            yield from (f"{base}.{alias.name}" for alias in node.names if base and alias.name != "*")
