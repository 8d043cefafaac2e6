"""What `--trust` opens: single names, and all names of a distribution."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from scaffold.base.modules import Home, normalized
from scaffold.errors import NeverTrustedError
from scaffold.read.gate._definitions import Definition, Finder, Kind
from scaffold.read.gate._libraries import LIBRARIES

_WIDE = """
    builtins.__build_class__ builtins.__import__ builtins.breakpoint builtins.compile builtins.delattr
    builtins.eval builtins.exec builtins.getattr builtins.globals builtins.input builtins.locals
    builtins.setattr builtins.vars code.InteractiveInterpreter code.interact importlib.__import__
    importlib._bootstrap._gcd_import importlib.import_module marshal.load marshal.loads
    operator.attrgetter operator.methodcaller pickle.Unpickler pickle.load pickle.loads
    runpy.run_module runpy.run_path timeit.timeit
"""
_COMPILED = {"builtins": "__builtin__", "operator": "_operator", "pickle": "_pickle"}
NEVER_TRUSTED = frozenset(_WIDE.split()) | {
    name.replace(module, other, 1)
    for name in _WIDE.split()
    for module, other in _COMPILED.items()
    if name.startswith(f"{module}.")
}
"""Names that call, fetch, import or evaluate whatever they are given: to trust one is to trust everything."""
_DUNDER = re.compile(r"__\w+__")


@dataclass(frozen=True, slots=True)
class Advice:
    """How refused names can be trusted."""

    tokens: tuple[str, ...]
    """What to give `--trust`, each once; what is trusted already stands first."""
    never: tuple[str, ...]
    """Names that no `--trust` opens."""


class Trust:
    """The names that a person opened with `--trust`.

    Args:
        tokens: Dotted names, top modules, and distributions.
        finder: Where names are looked up.

    Raises:
        NeverTrustedError: A token is a name that can never be trusted.
    """

    def __init__(self, tokens: Collection[str], finder: Finder) -> None:
        for token in tokens:
            if _is_never(token):
                raise NeverTrustedError(token)
        self._names = frozenset(tokens)
        self._tops = frozenset(top for token in tokens for top in _tops(token))
        self._finder = finder

    def opens(self, name: str) -> bool:
        """Whether the dotted `name` is trusted: by itself, or as a name of a trusted distribution.

        A name that a module of the distribution only imports from elsewhere is not one of its own.
        """
        if _is_never(name):
            return False
        definitions = self._definitions(name)
        if name in self._names:
            return not any(_is_never(f"{each.module}.{each.name}") for each in definitions)
        top = name.partition(".")[0]
        if top not in self._tops or self._finder.module(top) is None or _DUNDER.search(name):
            return False
        return all(self._is_own(definition) for definition in definitions)

    def _is_own(self, definition: Definition) -> bool:
        # A compiled module does not say what it imports: the names of standard modules are not its own.
        if definition.kind is Kind.COMPILED and definition.name in sys.stdlib_module_names:
            return False
        top = definition.module.partition(".")[0]
        return top in self._tops and (
            definition.kind is not Kind.MODULE or definition.home is not Home.STANDARD
        )

    def _definitions(self, name: str) -> list[Definition]:
        """Where the first part of `name` after its module is defined; nothing for a module."""
        module = name
        while self._finder.module(module) is None:
            module = module.rpartition(".")[0]
            if not module:
                return []
        rest = name[len(module) + 1 :]
        return self._finder.definitions(module, rest.partition(".")[0]) if rest else []


def trust_advice(names: Sequence[str], trusted: Collection[str], finder: Finder) -> Advice:
    """Return what to give `--trust` so that `names` pass, and those of them that never do.

    Names of a distribution are opened together: by the distribution where several are refused, or where
    nothing of it is on the allow list.
    """
    tokens = dict.fromkeys(trusted)
    never = []
    for name in names:
        others = sum(other.partition(".")[0] == name.partition(".")[0] for other in names)
        token = next((t for t in _tokens(name, others, finder) if Trust([t], finder).opens(name)), None)
        if token is None:
            never.append(name)
        else:
            tokens[token] = None
    return Advice(tuple(tokens), tuple(never))


def _tokens(name: str, others: int, finder: Finder) -> Iterator[str]:
    """The `--trust` tokens that allow `name`, the widest first."""
    if _is_never(name) or not all(part.isidentifier() for part in name.split(".")):
        return
    top = name.partition(".")[0]
    package = finder.module(top)
    if package is not None and package.home is Home.INSTALLED and (others > 1 or top not in LIBRARIES):
        yield metadata.packages_distributions().get(top, (top,))[0]
        yield top
    yield name


def _is_never(name: str) -> bool:
    _, dot, last = name.rpartition(".")
    return name in NEVER_TRUSTED or (bool(dot) and _DUNDER.fullmatch(last) is not None)


def _tops(token: str) -> Iterator[str]:
    """The top modules that `token` stands for; none of the standard library, and none for a dotted name."""
    if token in sys.stdlib_module_names:
        return
    if token.isidentifier():
        yield token
    wanted = normalized(token)
    yield from (top for top, library in LIBRARIES.items() if normalized(library.distribution) == wanted)
    with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
        files = metadata.distribution(token).files or ()
        yield from {
            file.parts[0].partition(".")[0] for file in files if file.suffix in (".py", ".so", ".pyd")
        }
