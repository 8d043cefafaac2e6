"""Where a name is defined, and as what, found by reading source files and never by importing.

The finder walks from a package to its submodule by the paths that their specs give, so that no `__init__` of
anyone runs while a file that nobody trusts yet is being judged.
"""

from __future__ import annotations

import ast
import enum
import functools
import re
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from pathlib import Path

MOST_HOPS = 8


class Home(enum.Enum):
    """Who a module belongs to."""

    STANDARD = "standard library"
    INSTALLED = "an installed distribution"
    LOCAL = "the user's own"


class Kind(enum.Enum):
    """What a name is bound to."""

    CLASS = "class"
    ENUM = "enumeration"
    FUNCTION = "function"
    VALUE = "value"
    MODULE = "module"
    COMPILED = "compiled"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that can be imported, and the file that it would come from."""

    name: str
    home: Home
    file: Path | None
    folders: tuple[str, ...]

    @property
    def compiled(self) -> bool:
        return self.file is not None and self.file.suffix != ".py"


@dataclass(frozen=True, slots=True)
class Definition:
    """A name where it is really defined, after all the imports that pass it on."""

    module: str
    name: str
    home: Home
    kind: Kind


class Finder:
    """Looks names up along a search path."""

    def __init__(self, search: Sequence[str]) -> None:
        self._search = list(search)
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module `name`, or None if nothing provides it."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def definitions(self, module: str, name: str, hops: int = MOST_HOPS) -> list[Definition]:
        """All that `module.name` may be bound to: more than one where a `try` or an `if` decides."""
        found = self.module(module)
        if found is None:
            return []
        if found.compiled or found.file is None:
            return [Definition(module, name, found.home, self._without_source(found, name))]
        if found.home is Home.INSTALLED and (kind := _quick_kind(found.file, name)):
            return [Definition(module, name, found.home, kind)]
        bindings = _bindings(found.file).get(name, [])
        results = [d for binding in bindings for d in self._follow(found, name, binding, hops)]
        if not bindings and hops:
            results = [d for star in _stars(found.file) for d in self._starred(found, star, name, hops)]
        if not results and self.module(f"{module}.{name}") is not None:
            results = [Definition(module, name, found.home, Kind.MODULE)]
        return results or [Definition(module, name, found.home, Kind.ABSENT)]

    def has_method(self, module: str, name: str, method: str) -> bool:
        """Whether the class `module.name` defines `method` in its own body."""
        found = self.module(module)
        if found is None or found.file is None or found.compiled:
            return False
        tree = _tree(found.file)
        classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name]
        return any(isinstance(n, _FUNCTIONS) and n.name == method for c in classes for n in c.body)

    def _without_source(self, found: Module, name: str) -> Kind:
        return Kind.MODULE if self.module(f"{found.name}.{name}") else Kind.COMPILED

    def _starred(self, found: Module, star: str, name: str, hops: int) -> list[Definition]:
        source = _absolute(found, star)
        return [d for d in self.definitions(source, name, hops - 1) if d.kind is not Kind.ABSENT]

    def _follow(self, found: Module, name: str, binding: _Binding, hops: int) -> list[Definition]:
        if binding.kind is not None or not hops:
            return [Definition(found.name, name, found.home, binding.kind or Kind.VALUE)]
        if not binding.name:
            source = _absolute(found, binding.module)
            home = self.module(source)
            return [Definition(source, "", home.home if home else found.home, Kind.MODULE)]
        if not binding.module:
            return self._alias(found, name, binding.name, hops)
        return self.definitions(_absolute(found, binding.module), binding.name, hops - 1)

    def _alias(self, found: Module, name: str, target: str, hops: int) -> list[Definition]:
        """What `name = target` binds, where `target` is a dotted name."""
        first, _, rest = target.partition(".")
        if first == name:
            return [Definition(found.name, name, found.home, Kind.VALUE)]
        results = self.definitions(found.name, first, hops - 1)
        for part in rest.split(".") if rest else []:
            results = [d for r in results for d in self._member(r, part, hops)]
        return results

    def _member(self, owner: Definition, part: str, hops: int) -> list[Definition]:
        if owner.kind is Kind.MODULE:
            source = f"{owner.module}.{owner.name}".rstrip(".")
            return self.definitions(source, part, hops - 1)
        return [Definition(owner.module, f"{owner.name}.{part}", owner.home, Kind.VALUE)]

    def _find(self, name: str) -> Module | None:
        top, *rest = name.split(".")
        if top in sys.builtin_module_names or (top in sys.stdlib_module_names and not rest):
            return Module(name, Home.STANDARD, None, ())
        spec = _top_spec(top, self._search)
        for depth in range(len(rest)):
            if spec is None or not spec.submodule_search_locations:
                return None
            full = ".".join([top, *rest[: depth + 1]])
            spec = PathFinder.find_spec(full, list(spec.submodule_search_locations))
        return _as_module(name, spec) if spec is not None else None


def _top_spec(top: str, search: list[str]) -> ModuleSpec | None:
    spec = PathFinder.find_spec(top, search)
    if spec is not None and spec.origin is not None:
        return spec
    # Editable installs put finders of their own on the meta path.
    ours = (BuiltinImporter, FrozenImporter, PathFinder)
    for finder in (finder for finder in sys.meta_path if finder not in ours):
        found = finder.find_spec(top, None)
        if found is not None:
            return found
    return spec


def _as_module(name: str, spec: ModuleSpec) -> Module:
    folders = tuple(spec.submodule_search_locations or ())
    file = Path(spec.origin) if spec.has_location and spec.origin else None
    place = file or (Path(folders[0]) if folders else None)
    return Module(name, home_of(place) if place else Home.STANDARD, file, folders)


def home_of(place: Path) -> Home:
    """Who the module in `place` belongs to."""
    place = place.resolve()
    if any(place.is_relative_to(root) for root in _installed_roots()):
        return Home.INSTALLED
    if any(place.is_relative_to(root) for root in _standard_roots()):
        return Home.STANDARD
    return Home.LOCAL


@functools.cache
def _installed_roots() -> tuple[Path, ...]:
    names = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages()}
    names.update(entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))
    return tuple(Path(name).resolve() for name in names)


@functools.cache
def _standard_roots() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "platstdlib")})


def _absolute(found: Module, target: str) -> str:
    """`target` with its leading dots taken from where `found` stands."""
    level = len(target) - len(target.lstrip("."))
    if not level:
        return target
    package = found.name if found.folders else found.name.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return ".".join(part for part in (package, target[level:]) if part)


# --------------------------------------------------------------------------- reading one source file

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class _Binding:
    kind: Kind | None = None
    """What it is, where this file says so."""
    module: str = ""
    name: str = ""
    """`from module import name`; `import module` without a name; `= name` without a module."""


def _quick_kind(file: Path, name: str) -> Kind | None:
    """Whether a library's file defines `name` at its left margin; whole files of theirs are slow to parse."""
    pattern = rf"^(class|def|async def)[ \t]+{re.escape(name)}\b([^\n]*)"
    match = re.search(pattern, _text(file), re.MULTILINE)
    if match is None:
        return None
    if match[1] != "class":
        return Kind.FUNCTION
    return Kind.ENUM if re.search(r"\b\w*(Enum|Flag)\b", match[2]) else Kind.CLASS


@functools.lru_cache(maxsize=256)
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


@functools.lru_cache(maxsize=256)
def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(_text(file))
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


@functools.lru_cache(maxsize=256)
def _bindings(file: Path) -> dict[str, list[_Binding]]:
    found: dict[str, list[_Binding]] = {}
    for statement in _statements(_tree(file).body):
        for name, binding in _bound(statement):
            found.setdefault(name, []).append(binding)
    return found


@functools.lru_cache(maxsize=256)
def _stars(file: Path) -> tuple[str, ...]:
    return tuple(
        "." * statement.level + (statement.module or "")
        for statement in _statements(_tree(file).body)
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
    )


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, in order."""
    for statement in body:
        yield statement
        if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, block, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _bound(statement: ast.stmt) -> Iterator[tuple[str, _Binding]]:
    match statement:
        case ast.ClassDef(name=name, bases=bases):
            words = " ".join(ast.unparse(base) for base in bases)
            enumeration = re.search(r"\b\w*(Enum|Flag)\b", words)
            yield name, _Binding(Kind.ENUM if enumeration else Kind.CLASS)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, _Binding(Kind.FUNCTION)
        case ast.Import(names=names):
            for alias in names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or whole, _Binding(module=whole)
        case ast.ImportFrom(names=names, module=module, level=level):
            source = "." * level + (module or "")
            for alias in names:
                yield alias.asname or alias.name, _Binding(module=source, name=alias.name)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _assigned(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _assigned(target, value)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, _Binding]]:
    if isinstance(target, ast.Name):
        dotted = isinstance(value, ast.Name | ast.Attribute) and re.fullmatch(r"[\w.]+", ast.unparse(value))
        yield target.id, _Binding(name=ast.unparse(value)) if dotted else _Binding(Kind.VALUE)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            if isinstance(element, ast.Name):
                yield element.id, _Binding(Kind.VALUE)
