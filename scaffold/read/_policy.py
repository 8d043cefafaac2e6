"""What a name is worth: whether a pickle may call it, only mention it, or not even that."""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Collection, Sequence

from scaffold._modules import Home
from scaffold.read import _allowed, _libraries
from scaffold.read._definitions import Definition, Finder, Kind
from scaffold.read._libraries import LIBRARIES, NEVER_PARTS, Library
from scaffold.read._trust import Advice, Trust, trust_advice


class Standing(enum.IntEnum):
    """From least to most."""

    REFUSED = 0
    MISSING = 1
    """No installed distribution provides the module: nothing to judge, and nothing that could run."""
    CHANGED = 2
    """The library is there, the name is not: another version of it."""
    MENTIONED = 3
    BARE = 4
    """A class of which a bare instance may be made: `__new__`, not `__init__`."""
    CALLED = 5


_WORD = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_PYX = re.compile(r"__pyx_unpickle_\w+")
_CLASS_LIKE = re.compile(r"_*[a-z]?[A-Z]\w*")
_STANDARD = frozenset(sys.stdlib_module_names) | {
    "__builtin__",
    "copy_reg",
    "posix",
    "nt",
    "_posixsubprocess",
}


class Policy:
    """The allow list, for one file and the folders that its names are looked up in."""

    def __init__(self, finder: Finder, trusted: Collection[str] = ()) -> None:
        self._finder = finder
        self._trusted = tuple(trusted)
        self._trust = Trust(trusted, finder)
        self._standings: dict[tuple[str, str], Standing] = {}

    def trusts(self, name: str) -> bool:
        """Whether `--trust` opened this name."""
        return self._trust.opens(name)

    def trust_advice(self, names: Sequence[str]) -> Advice:
        """How `--trust` would open these names, besides those that it opened."""
        return trust_advice(names, self._trusted, self._finder)

    def standing(self, module: str, qualname: str) -> Standing:
        """What `module.qualname` is worth."""
        key = (module, qualname)
        if key not in self._standings:
            self._standings[key] = self._judge(module, qualname)
        return self._standings[key]

    def is_local(self, module: str) -> bool:
        """Whether `module` is the user's own, or the script that made the file."""
        if module == "__main__":
            return True
        found = self._finder.module(module)
        return found is not None and self._home(module, found.home) is Home.LOCAL

    def has_method(self, module: str, name: str, method: str) -> bool:
        """Whether the class is the user's own and defines `method` itself."""
        return self.is_local(module) and any(
            self._finder.has_method(d.module, d.name, method) for d in self._finder.definitions(module, name)
        )

    def is_enum_member(self, module: str, name: str) -> bool:
        """Whether the name is an enumeration, whose members are attributes."""
        return any(d.kind is Kind.ENUM for d in self._finder.definitions(module, name))

    def may_import(self, module: str) -> bool:
        """Whether code that the file carries may import `module`."""
        top = module.partition(".")[0]
        if self.trusts(module) or self.trusts(top):
            return True
        if top in _STANDARD:
            return module in _allowed.IMPORTED or module in _allowed.WATCHED
        if top in _libraries.IMPORTED_LIBRARIES:
            return NEVER_PARTS.isdisjoint(module.split(".")[1:]) or module.endswith(".distributed")
        return self.is_local(module) or self._finder.module(module) is None

    def _home(self, module: str, home: Home) -> Home:
        # Our own package is no code of the user's, even where it is installed as a checkout.
        return Home.INSTALLED if module.partition(".")[0] == __package__.partition(".")[0] else home

    def _judge(self, module: str, qualname: str) -> Standing:
        dotted = f"{module}.{qualname}"
        if self.trusts(dotted):
            return Standing.CALLED
        if not _WORD.fullmatch(dotted):
            return Standing.REFUSED
        top = module.partition(".")[0]
        if module == "__main__":
            return _main_standing(qualname)
        if top in _STANDARD:
            return _standard_standing(module, dotted)
        if module in _allowed.CLOUDPICKLE_MODULES:
            return Standing.CALLED if qualname in _allowed.CLOUDPICKLE else Standing.REFUSED
        if dotted in _allowed.BY_ARGUMENTS or dotted in _allowed.JOBLIB_OLD:
            return Standing.MENTIONED
        if top == "numpy":
            return self._present(module, _numpy_standing(module, qualname, dotted))
        found = self._finder.module(module)
        if found is None:
            return self._absent(top)
        library = LIBRARIES.get(top)
        if library is not None and found.home is not Home.LOCAL:
            if dotted in library.called:
                return Standing.CALLED
            if dotted in _libraries.MENTIONED:
                return Standing.MENTIONED
        return self._defined(module, qualname)

    def _absent(self, top: str) -> Standing:
        if self._finder.module(top) is None:
            return Standing.MISSING
        return Standing.CHANGED if top in LIBRARIES else Standing.REFUSED

    def _present(self, module: str, standing: Standing) -> Standing:
        if standing is not Standing.REFUSED and self._finder.module(module.partition(".")[0]) is None:
            return Standing.MISSING
        return standing

    def _defined(self, module: str, qualname: str) -> Standing:
        first, _, rest = qualname.partition(".")
        definitions = self._finder.definitions(module, first)
        if not definitions:
            return Standing.CHANGED
        standings = [self._definition_standing(module, d, rest) for d in definitions]
        present = [s for s in standings if s is not Standing.MISSING]
        return min(present or standings)

    def _definition_standing(self, module: str, definition: Definition, rest: str) -> Standing:
        name = f"{definition.name}.{rest}" if rest else definition.name
        if definition.module != module and definition.kind is not Kind.MODULE:
            top = definition.module.partition(".")[0]
            if definition.home is Home.STANDARD or top in ("numpy", *_STANDARD):
                return self.standing(definition.module, name)
        if definition.kind is Kind.MODULE:
            return Standing.REFUSED
        if self._home(definition.module, definition.home) is Home.LOCAL:
            return self._own_standing(definition, rest)
        if definition.home is Home.STANDARD:
            return Standing.REFUSED
        library = LIBRARIES.get(definition.module.partition(".")[0])
        if library is None:
            return Standing.REFUSED
        if rest and not self._finder.has_class(definition.module, name):
            return Standing.REFUSED
        return _library_standing(library, definition)

    def _own_standing(self, definition: Definition, rest: str) -> Standing:
        if definition.kind is Kind.ABSENT:
            return Standing.CHANGED
        if not rest:
            return Standing.CALLED
        nested = definition.kind in (Kind.CLASS, Kind.ENUM) and "__" not in rest
        return Standing.CALLED if nested else Standing.REFUSED


def _main_standing(qualname: str) -> Standing:
    """`__main__` is the script that made the file; here it may be another one, with names of its own."""
    if "__" in qualname:
        return Standing.REFUSED
    value: object = sys.modules.get("__main__")
    for part in qualname.split("."):
        value = vars(value).get(part) if hasattr(value, "__dict__") else None
    if value is None or getattr(value, "__module__", None) == "__main__":
        return Standing.CALLED
    return Standing.REFUSED


def _standard_standing(module: str, dotted: str) -> Standing:
    if dotted in _allowed.NEVER_MENTIONED:
        return Standing.REFUSED
    if dotted in _allowed.CALLED:
        return Standing.CALLED
    if dotted in _allowed.MENTIONED or dotted in _allowed.BY_ARGUMENTS:
        return Standing.MENTIONED
    plain = dotted.count(".") == module.count(".") + 1
    if plain and _allowed.is_mentioned_module(module) and not dotted.rpartition(".")[2].startswith("_"):
        # What such a module imports for itself, `re.enum` or `statistics.sys`, is no name of its own.
        return Standing.REFUSED if dotted.rpartition(".")[2] in _STANDARD else Standing.MENTIONED
    return Standing.REFUSED


def _numpy_standing(module: str, qualname: str, dotted: str) -> Standing:
    if dotted in _libraries.NUMPY_CALLED or dotted.startswith(_libraries.NUMPY_CLASS_MODULES):
        return Standing.CALLED if "." not in qualname else Standing.REFUSED
    if dotted in _libraries.NUMPY_BARE:
        return Standing.BARE
    if dotted in _libraries.NUMPY_MENTIONED:
        return Standing.MENTIONED
    if module in _libraries.NUMPY_FUNCTION_MODULES and qualname in _libraries.NUMPY_FUNCTIONS:
        return Standing.MENTIONED
    return Standing.REFUSED


def _library_standing(library: Library, definition: Definition) -> Standing:
    dotted = f"{definition.module}.{definition.name}"
    if dotted in library.called or (_PYX.fullmatch(definition.name) and definition.kind is Kind.COMPILED):
        return Standing.CALLED
    if not NEVER_PARTS.isdisjoint(definition.module.split(".")[1:]) or dotted.startswith(library.never):
        return Standing.REFUSED
    if definition.kind is Kind.ABSENT:
        return Standing.CHANGED
    kind = definition.kind
    if kind in (Kind.COMPILED, Kind.VALUE):
        kind = Kind.CLASS if _CLASS_LIKE.fullmatch(definition.name) else Kind.FUNCTION
        built = True
    else:
        built = kind is Kind.ENUM or dotted.startswith(library.built)
    if kind is not Kind.FUNCTION and dotted.startswith(library.classes):
        return Standing.CALLED if built else Standing.BARE
    return Standing.MENTIONED if dotted.startswith(library.functions) else Standing.REFUSED
