"""Local code that goes along with the service: the user's own modules, and what is lifted from a script."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.base.modules import Home, Module, Modules, absolute
from scaffold.errors import NoSuchFileError, TwoModulesError
from scaffold.resolve.lift._moved import FROM_SCRIPTS, OF_THE_SERVICE, Lifted, Renamed, top_of
from scaffold.spec import Artifact, LocalSource

LIFTED_MODULE = "model_code"
_DYNAMIC = frozenset({"import_module", "__import__", "iter_modules", "walk_packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedSources:
    """The user's own code that the model needs."""

    sources: tuple[LocalSource, ...] = ()
    moved: Mapping[Path, Path] = field(default_factory=dict)
    """Files that were written anew, by the path that they had: they name the lifted module."""
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
        folder: An empty folder: what is lifted is written there, and has to stay importable from there.
        search: Folders where local code may lie.
        source: The script or notebook that made the files, where it was named.
        include: Files and folders that go along in any case.
        modules: Further modules that are needed, e.g. those of the sample's classes.

    Raises:
        SourceNotFoundError: What a pickle looks for in `__main__` is defined nowhere.
        SourceChangedError: The script says something else than when the pickle was made.
        TwoModulesError: Two different local modules have one name.
        NoSuchFileError: A file to include is not there.
    """
    included = list(include)
    collector = _Collector(search, included)
    lifted = Lifted(_free_module(collector))
    if any(name.module in FROM_SCRIPTS for artifact in artifacts for name in artifact.globals):
        # libcst takes a third of a second to import, and most models need none of it.
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
    if any(top_of(source.path) in OF_THE_SERVICE for source in renamed.sources):
        from scaffold.resolve.lift._rename import rename

        renamed = rename(renamed.sources, files, folder, search)
    return CollectedSources(
        sources=tuple(sorted(renamed.sources, key=lambda source: source.path)),
        moved={**lifted.moved, **renamed.moved},
        notes=(*lifted.notes, *renamed.notes),
    )


class _Collector:
    """Follows imports through local files."""

    def __init__(self, search: Sequence[Path], included: Sequence[Path]) -> None:
        self.sources: dict[str, LocalSource] = {}
        self.modules: set[str] = set()
        self.finder = Modules([str(folder) for folder in search])
        self._search = search
        self._included = {path.resolve() for path in included}

    def need(self, module: str, reason: str) -> None:
        """Take `module` and the packages that it is in, if it is local, and all that they import."""
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            self._take(".".join(parts[:depth]), reason)

    def need_imports(self, text: str, path: str, module: Module | None) -> None:
        """Take the local modules that a text imports."""
        for name in _imports(text, module):
            self.need(name, f"imported by {path}")

    def include(self, path: Path) -> None:
        """Take a file, or all files of a folder, and what the Python files among them import."""
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
        """Take a file unless it is there already."""
        self.sources.setdefault(source.path, source)

    def _take(self, name: str, reason: str) -> None:
        if name in self.modules:
            return
        found = self.finder.module(name)
        if found is None or found.home is not Home.LOCAL or name.partition(".")[0] == "scaffold":
            return
        self.modules.add(name)
        if "." not in name:
            found = self._only_one(found, reason)
        if found.file is None:
            return
        path = _path_of(found)
        self.add(LocalSource(path=path, content=found.file.read_bytes(), reason=reason))
        if found.compiled:
            return
        text = found.file.read_text(encoding="utf-8", errors="replace")
        self.need_imports(text, path, found)
        if found.folders and any(word in text for word in _DYNAMIC):
            self._take_package(found, f"{path} imports by name")

    def _take_package(self, package: Module, reason: str) -> None:
        for folder in package.folders:
            for file in sorted(Path(folder).rglob("*.py")):
                inside = file.relative_to(folder).with_suffix("")
                self.need(".".join([package.name, *inside.parts]).removesuffix(".__init__"), reason)

    def _only_one(self, found: Module, reason: str) -> Module:
        """The module that was found, unless another folder holds a different one of its name."""
        places: dict[Path, Module] = {}
        for folder in self._search:
            other = Modules([str(folder)]).module(found.name)
            if other is not None and other.home is Home.LOCAL and other.file is not None:
                places.setdefault(other.file.resolve(), other)
        contents = {file.read_bytes() for file in places if file.is_file()}
        if len(contents) < 2:
            return found
        chosen = [module for file, module in places.items() if file in self._included]
        if len(chosen) != 1:
            raise TwoModulesError(found.name, tuple(str(file) for file in places), reason)
        return chosen[0]

    def _place(self, file: Path) -> str:
        """Where a file goes: relative to the deepest folder of local code that holds it."""
        roots = sorted((folder.resolve() for folder in self._search), key=lambda root: -len(root.parts))
        file = file.resolve()
        root = next((root for root in roots if file.is_relative_to(root)), file.parent)
        return file.relative_to(root).as_posix()


def _free_module(collector: _Collector) -> str:
    names = [LIFTED_MODULE, *(f"{LIFTED_MODULE}_{number}" for number in range(2, 100))]
    return next(name for name in names if collector.finder.module(name) is None)


def _path_of(module: Module) -> str:
    """Where the file of a module goes, so that its import name finds it."""
    assert module.file is not None
    parts = module.name.split(".")
    if module.folders:
        return "/".join([*parts, module.file.name])
    return "/".join([*parts[:-1], module.file.name])


def _imports(text: str, module: Module | None) -> Iterator[str]:
    """The modules that a text may import: every `import`, wherever it stands."""
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
            # What is imported from a package may be a module of it.
            yield from (f"{base}.{alias.name}" for alias in node.names if base and alias.name != "*")
