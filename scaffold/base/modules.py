"""Find modules without importing them: the file of a module, and whether it is the user's own.

The finder walks from a package to its submodule by the paths that their specs give, so that no `__init__`
runs. Standard library only.
"""

from __future__ import annotations

import ast
import enum
import functools
import re
import site
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from pathlib import Path

_TABLE_STARTS = 3


class Home(enum.Enum):
    """Who a module belongs to."""

    STANDARD = "standard library"
    INSTALLED = "an installed distribution"
    LOCAL = "the user's own"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that can be imported, and the file that it would come from."""

    name: str
    home: Home
    file: Path | None
    folders: tuple[str, ...]

    @property
    def compiled(self) -> bool:
        """Whether its file is no Python source."""
        return self.file is not None and self.file.suffix != ".py"


class Modules:
    """The modules that are found along a search path."""

    def __init__(self, search: Sequence[str]) -> None:
        self._search = list(search)
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module `name`, or None if nothing provides it."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def _find(self, name: str) -> Module | None:
        top, *rest = name.split(".")
        if top in sys.builtin_module_names or (top in sys.stdlib_module_names and not rest):
            return Module(name, Home.STANDARD, None, ())
        spec = _top_spec(top, self._search)
        for part in rest:
            folders = _folders(spec)
            if not folders:
                return None
            # By its last part: with the full name, a nested namespace package would look up its parent.
            spec = PathFinder.find_spec(part, folders)
        return _as_module(name, spec) if spec is not None else None


def _top_spec(top: str, search: list[str]) -> ModuleSpec | None:
    spec = PathFinder.find_spec(top, search)
    if spec is not None and spec.origin is not None:
        return spec
    # Editable installs put finders of their own on the meta path.
    ours = (BuiltinImporter, FrozenImporter, PathFinder)
    for finder in (finder for finder in sys.meta_path if finder not in ours):
        foreign = finder.find_spec(top, None)
        if foreign is not None:
            return foreign
    return spec or _imported_spec(top)


def _imported_spec(top: str) -> ModuleSpec | None:
    """The spec of a module that this process has imported from a folder that is on no path any more."""
    spec = getattr(sys.modules.get(top), "__spec__", None)
    return spec if spec is not None and spec.origin and Path(spec.origin).is_file() else None


def _folders(spec: ModuleSpec | None) -> list[str]:
    """Where the modules of a package are; none if it is no package."""
    return list(spec.submodule_search_locations or ()) if spec else []


def _as_module(name: str, spec: ModuleSpec) -> Module:
    folders = tuple(_folders(spec))
    file = Path(spec.origin) if spec.has_location and spec.origin else None
    place = file or (Path(folders[0]) if folders else None)
    return Module(name, home_of(place) if place else Home.STANDARD, file, folders)


def home_of(place: Path) -> Home:
    """Who the module in `place` belongs to."""
    place = place.resolve()
    if any(place.is_relative_to(root) for root in (*_installed_roots(), *_other_installed)):
        return Home.INSTALLED
    if any(place.is_relative_to(root) for root in (*_standard_roots(), *_other_standard)):
        return Home.STANDARD
    return Home.LOCAL


_other_installed: list[Path] = []
_other_standard: list[Path] = []


def know_environment(path: Sequence[str], overlay: Sequence[str]) -> None:
    """Register the folders of another environment for `home_of`.

    Args:
        path: Its `sys.path`, without folders of the user's.
        overlay: Folders of our own beside it.
    """
    for entry in map(Path, (*path, *overlay)):
        installed = entry.name in ("site-packages", "dist-packages") or str(entry) in overlay
        (_other_installed if installed else _other_standard).append(entry.resolve())


@functools.cache
def _installed_roots() -> tuple[Path, ...]:
    names = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}
    names.update(entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))
    return tuple(Path(name).resolve() for name in names)


@functools.cache
def _standard_roots() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "platstdlib")})


def distribution_by_table(module: str) -> str:
    """The distribution that pipreqs' table names for `module`; nothing where it names several, or none.

    It is used where the metadata names no distribution. It lists old libraries under common names (`test`,
    `workflow`), so messages present its answer as a guess.
    """
    table = _table()
    distributions = table.get(module, ()) or table.get(module.partition(".")[0], ())
    return distributions[0] if len(distributions) == 1 else ""


@functools.cache
def _table() -> dict[str, tuple[str, ...]]:
    text = (Path(__file__).parent / "pipreqs_mapping.txt").read_text(encoding="utf-8")
    table: dict[str, tuple[str, ...]] = {}
    for module, _, distribution in (line.partition(":") for line in text.splitlines()[_TABLE_STARTS:]):
        table[module] = (*table.get(module, ()), distribution.replace("_", "-"))
    return table


def absolute(module: Module, target: str) -> str:
    """Return the absolute name of `target`, whose leading dots are relative to `module`."""
    level = len(target) - len(target.lstrip("."))
    if not level:
        return target
    package = module.name if module.folders else module.name.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return ".".join(part for part in (package, target[level:]) if part)


def normalized(distribution: str) -> str:
    """Return the name of a distribution as indexes compare it. Source: PyPA, "Names and normalization"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported_distributions(text: str) -> list[str]:
    """Return the distributions of the modules that a Python text imports; none for invalid Python.

    A module that is in no table is taken for the name of its distribution.
    """
    return [normalized(distribution_by_table(module) or module) for module in imported_modules(text)]


def imported_modules(text: str) -> list[str]:
    """Return the top-level modules that a Python text imports; none for invalid Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return []
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return sorted({name.partition(".")[0] for name in names})
