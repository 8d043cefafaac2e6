"""Where a name is defined, and as what, found by reading source files and never by importing."""

from __future__ import annotations

import ast
import enum
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.base.modules import Home, Module, Modules, absolute

MOST_HOPS = 8


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
class Definition:
    """A name where it is really defined, after all the imports that pass it on."""

    module: str
    name: str
    home: Home
    kind: Kind


class Finder(Modules):
    """Looks names up along a search path."""

    def definitions(self, module: str, name: str, hops: int = MOST_HOPS) -> list[Definition]:
        """All definitions that `module.name` may be bound to: several where a `try` or an `if` decides."""
        owner = self.module(module)
        if owner is None:
            return []
        if owner.compiled or owner.file is None:
            return [Definition(module, name, owner.home, self._without_source(owner, name))]
        if owner.home is Home.INSTALLED and (kind := _quick_kind(owner.file, name)):
            return [Definition(module, name, owner.home, kind)]
        bindings = _bindings(owner.file).get(name, [])
        results = [d for binding in bindings for d in self._follow(owner, name, binding, hops)]
        if not bindings and hops:
            results = [d for star in _stars(owner.file) for d in self._follow_star(owner, star, name, hops)]
        if not results and self.module(f"{module}.{name}") is not None:
            results = [Definition(module, name, owner.home, Kind.MODULE)]
        return results or [Definition(module, name, owner.home, Kind.ABSENT)]

    def has_class(self, module: str, qualname: str, *, or_method: bool = False) -> bool:
        """Whether the module defines the class with this qualified name.

        With `or_method` the last part may be a method.
        """
        owner = self.module(module)
        if owner is None or owner.file is None or owner.compiled:
            return False
        outer, _, last = qualname.rpartition(".")
        body: Sequence[ast.stmt] = _tree(owner.file).body
        for part in outer.split(".") if outer else []:
            inner = [n for n in _statements(body) if isinstance(n, ast.ClassDef) and n.name == part]
            if not inner:
                return False
            body = inner[-1].body
        kinds = (ast.ClassDef, *_FUNCTIONS) if or_method else (ast.ClassDef,)
        return any(isinstance(n, kinds) and n.name == last for n in _statements(body))

    def is_own(self, module: str, name: str) -> bool:
        """Whether the file of a compiled module shows that the module defines this class.

        The file contains the full name of a class written in C, and the name of a Cython reconstructor; it
        contains neither for a class that the module only imports.
        """
        owner = self.module(module)
        if owner is None or owner.file is None or not owner.compiled:
            return False
        wanted = name if name.startswith("__pyx_unpickle_") else f"{module}.{name}"
        pattern = rb"(?<![\w.])" + re.escape(wanted).encode() + rb"(?!\w)"
        return re.search(pattern, _content(owner.file)) is not None

    def has_method(self, module: str, name: str, method: str) -> bool:
        """Whether the class `module.name` defines `method` in its own body."""
        owner = self.module(module)
        if owner is None or owner.file is None or owner.compiled:
            return False
        tree = _tree(owner.file)
        classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name]
        return any(isinstance(n, _FUNCTIONS) and n.name == method for c in classes for n in c.body)

    def _without_source(self, owner: Module, name: str) -> Kind:
        return Kind.MODULE if self.module(f"{owner.name}.{name}") else Kind.COMPILED

    def _follow_star(self, owner: Module, star: str, name: str, hops: int) -> list[Definition]:
        source = absolute(owner, star)
        return [d for d in self.definitions(source, name, hops - 1) if d.kind is not Kind.ABSENT]

    def _follow(self, owner: Module, name: str, binding: _Binding, hops: int) -> list[Definition]:
        if binding.kind is not None or not hops:
            return [Definition(owner.name, name, owner.home, binding.kind or Kind.VALUE)]
        if not binding.name:
            source = absolute(owner, binding.module)
            home = self.module(source)
            return [Definition(source, "", home.home if home else owner.home, Kind.MODULE)]
        if not binding.module:
            return self._alias(owner, name, binding.name, hops)
        return self.definitions(absolute(owner, binding.module), binding.name, hops - 1)

    def _alias(self, owner: Module, name: str, target: str, hops: int) -> list[Definition]:
        """What `name = target` binds, where `target` is a dotted name."""
        first, _, rest = target.partition(".")
        if first == name:
            return [Definition(owner.name, name, owner.home, Kind.VALUE)]
        results = self.definitions(owner.name, first, hops - 1)
        for part in rest.split(".") if rest else []:
            results = [d for r in results for d in self._member(r, part, hops)]
        return results

    def _member(self, owner: Definition, part: str, hops: int) -> list[Definition]:
        if owner.kind is Kind.MODULE:
            source = f"{owner.module}.{owner.name}".rstrip(".")
            return self.definitions(source, part, hops - 1)
        return [Definition(owner.module, f"{owner.name}.{part}", owner.home, Kind.VALUE)]


# --------------------------------------------------------------------------- reading one source file

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_HEADING = re.compile(r"\n(class|def|async def)[ \t]+(\w+)([^\n]*)")


@dataclass(frozen=True, slots=True)
class _Binding:
    kind: Kind | None = None
    """The kind of the name, if this file defines it."""
    module: str = ""
    name: str = ""
    """`from module import name`; `import module` without a name; `= name` without a module."""


def _quick_kind(file: Path, name: str) -> Kind | None:
    """Whether a library's file defines `name` at its left margin; whole files of theirs are slow to parse."""
    return _headings(file).get(name)


@functools.lru_cache(maxsize=256)
def _headings(file: Path) -> Mapping[str, Kind]:
    """The kinds of the names that the file defines at top level; the first definition of a name counts."""
    kinds: dict[str, Kind] = {}
    for word, name, rest in _HEADING.findall("\n" + _text(file)):
        enumeration = word == "class" and re.search(r"\b\w*(Enum|Flag)\b", rest)
        kind = Kind.ENUM if enumeration else Kind.CLASS if word == "class" else Kind.FUNCTION
        kinds.setdefault(name, kind)
    return kinds


@functools.lru_cache(maxsize=8)
def _content(file: Path) -> bytes:
    return file.read_bytes()


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
    bindings: dict[str, list[_Binding]] = {}
    for statement in _statements(_tree(file).body):
        for name, binding in _bound(statement):
            bindings.setdefault(name, []).append(binding)
    return bindings


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
                yield from _assigned_names(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _assigned_names(target, value)


def _assigned_names(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, _Binding]]:
    if isinstance(target, ast.Name):
        dotted = isinstance(value, ast.Name | ast.Attribute) and re.fullmatch(r"[\w.]+", ast.unparse(value))
        yield target.id, _Binding(name=ast.unparse(value)) if dotted else _Binding(Kind.VALUE)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            if isinstance(element, ast.Name):
                yield element.id, _Binding(Kind.VALUE)
