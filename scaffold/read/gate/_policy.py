"""What a pickle may do with a name."""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace

from scaffold.base.modules import Home
from scaffold.read.gate import _allowed, _libraries
from scaffold.read.gate._definitions import Definition, Finder, Kind
from scaffold.read.gate._libraries import LIBRARIES, NEVER_PARTS, Library
from scaffold.read.gate._trust import Advice, Trust, trust_advice


class Standing(enum.Enum):
    """What a pickle may do with a name."""

    REFUSED = "nothing"
    MISSING = "no installed distribution provides the module: nothing to check, and nothing that could run"
    CHANGED = "the library is there, the name is not: another version of it"
    BY_VALUE = "all, where code by value may run"
    CONDITIONAL = "call it at once, with arguments that pass a check"
    BARE = "make a bare instance of a class, at once: `__new__` and no `__init__`"
    TEXTS = "as `CONDITIONAL`, for a class that evaluates texts"
    FUNCTION = "keep it"
    CLASS = "all: it is harmless to call, with anything"


CONDITIONAL = frozenset({Standing.CONDITIONAL, Standing.BARE, Standing.TEXTS})
UNKNOWN = frozenset({Standing.REFUSED, Standing.MISSING, Standing.CHANGED})


_ORDER = list(Standing)
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

    def __init__(
        self,
        finder: Finder,
        trusted: Collection[str] = (),
        *,
        confined: bool = True,
        replaced: Collection[str] = (),
    ) -> None:
        self._finder = finder
        self._replaced = frozenset(replaced)
        self.trusted = tuple(trusted)
        self._trust = Trust(trusted, finder)
        self.confined = confined
        """Whether code by value may run: it can do nothing outside."""
        self._standings: dict[tuple[str, str], Standing] = {}

    def trusts(self, name: str) -> bool:
        """Whether `--trust` opened this name."""
        return self._trust.opens(name)

    def trust_advice(self, names: Sequence[str]) -> Advice:
        """How `--trust` would open these names, besides those that it opened."""
        return trust_advice(names, self.trusted, self._finder)

    def standing(self, module: str, qualname: str) -> Standing:
        """What `module.qualname` is worth."""
        key = (module, qualname)
        if key not in self._standings:
            self._standings[key] = self._judge(module, qualname)
        return self._standings[key]

    def is_standard(self, module: str) -> bool:
        """Whether `module` is of the standard library, or none at all."""
        return module.partition(".")[0] in _STANDARD or self._finder.module(module) is None

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

    def is_defined_in(self, module: str, name: str, places: tuple[str, ...]) -> bool:
        """Whether a class is defined in a module whose dotted name starts with one of `places`."""
        definitions = self._finder.definitions(module, name.partition(".")[0])
        return any(f"{each}.".startswith(places) for each in (module, *(d.module for d in definitions)))

    def is_code(self, module: str) -> bool:
        """Whether what `module` gives only where code by value may run is as good as such code itself."""
        library = LIBRARIES.get(module.partition(".")[0])
        return library is not None and bool(library.as_code)

    def _home(self, module: str, home: Home) -> Home:
        # Our own package is no code of the user's, even where it is installed as a checkout.
        return Home.INSTALLED if module.partition(".")[0] == __package__.partition(".")[0] else home

    def _judge(self, module: str, qualname: str) -> Standing:
        dotted = f"{module}.{qualname}"
        if self.trusts(dotted):
            return Standing.CLASS
        if not _WORD.fullmatch(dotted):
            return Standing.REFUSED
        top = module.partition(".")[0]
        if module == "__main__":
            return _main_standing(qualname)
        if top in _STANDARD:
            return _standard_standing(module, dotted)
        if dotted in _allowed.CODE_MAKERS:
            return Standing.BY_VALUE
        if dotted in _allowed.CONDITIONAL:
            return Standing.CONDITIONAL
        if top == "numpy":
            return self._present(module, _numpy_standing(module, qualname, dotted))
        library = LIBRARIES.get(top)
        installed = self._finder.module(top)
        if installed is None and dotted in self._replaced:
            return Standing.CLASS
        if library is not None and installed is not None and installed.home is not Home.LOCAL:
            if dotted in library.called:
                return Standing.CLASS
            if dotted in library.kept:
                return Standing.FUNCTION
        if self._finder.module(module) is None:
            return self._absent(top)
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
        return min(present or standings, key=_ORDER.index)

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
        if f"{definition.module}.{name}".startswith(library.by_value):
            return Standing.BY_VALUE
        if (dotted := f"{definition.module}.{name}").startswith(library.as_code):
            listed = dotted in library.as_code or definition.kind is not Kind.COMPILED
            own = listed or self._finder.is_own(definition.module, definition.name)
            return Standing.BY_VALUE if own else Standing.REFUSED
        if rest and not self._finder.has_class(definition.module, name):
            return Standing.REFUSED
        if definition.kind is Kind.COMPILED:
            return self._compiled_standing(library, definition)
        return _library_standing(library, definition)

    def _compiled_standing(self, library: Library, definition: Definition) -> Standing:
        """Of a module without source: only what its file says that it defines itself."""
        standing = _library_standing(library, replace(definition, kind=Kind.CLASS))
        rebuilds = _PYX.fullmatch(definition.name) is not None
        named_so = rebuilds or _CLASS_LIKE.fullmatch(definition.name)
        if standing is Standing.REFUSED or not named_so:
            return Standing.REFUSED
        if not self._finder.is_own(definition.module, definition.name):
            return Standing.REFUSED
        return Standing.CLASS if rebuilds else standing

    def _own_standing(self, definition: Definition, rest: str) -> Standing:
        if definition.kind is Kind.ABSENT:
            return Standing.CHANGED
        if not rest:
            return self._own_kind(definition)
        # An attribute of a class that is defined elsewhere, `Model.save = numpy.save`, is no name of its own.
        member = definition.kind is Kind.ENUM and "." not in rest
        name = f"{definition.name}.{rest}"
        nested = member or self._finder.has_class(definition.module, name, or_method=True)
        return Standing.CLASS if nested and "__" not in rest else Standing.REFUSED

    def _own_kind(self, definition: Definition) -> Standing:
        # Nobody knows what a function of the user's own does: a model may keep it, and call it in `predict`.
        is_function = definition.kind is Kind.FUNCTION and not self.confined
        return Standing.FUNCTION if is_function else Standing.CLASS


def _main_standing(qualname: str) -> Standing:
    """`__main__` is the script that made the file; here it may be another one, with names of its own."""
    if "__" in qualname:
        return Standing.REFUSED
    value: object = sys.modules.get("__main__")
    for part in qualname.split("."):
        value = vars(value).get(part) if hasattr(value, "__dict__") else None
    if value is None or getattr(value, "__module__", None) == "__main__":
        return Standing.CLASS
    return Standing.REFUSED


def _standard_standing(module: str, dotted: str) -> Standing:
    if dotted in _allowed.NEVER:
        return Standing.REFUSED
    for names, standing in _STANDARD_LISTS:
        if dotted in names:
            return standing
    name = dotted.rpartition(".")[2]
    public = dotted.count(".") == module.count(".") + 1 and not name.startswith("_")
    # What such a module imports for itself, `re.enum` or `statistics.sys`, is no name of its own.
    if public and module in _allowed.BY_VALUE_MODULES and name not in _STANDARD:
        return Standing.BY_VALUE
    return Standing.REFUSED


_STANDARD_LISTS = (
    (_allowed.CONDITIONAL, Standing.CONDITIONAL),
    (_allowed.CLASSES, Standing.CLASS),
    (_allowed.FUNCTIONS, Standing.FUNCTION),
    (_allowed.BY_VALUE, Standing.BY_VALUE),
)


def _numpy_standing(module: str, qualname: str, dotted: str) -> Standing:
    if "." not in qualname and (
        dotted in _libraries.NUMPY_CALLED or _libraries.NUMPY_DTYPE.fullmatch(dotted)
    ):
        return Standing.CLASS
    if dotted in _libraries.NUMPY_TYPES:
        return Standing.FUNCTION
    if dotted in _libraries.NUMPY_BARE:
        return Standing.BARE
    if module in _libraries.NUMPY_FUNCTION_MODULES and qualname in _libraries.NUMPY_FUNCTIONS:
        return Standing.FUNCTION
    return Standing.REFUSED


def _library_standing(library: Library, definition: Definition) -> Standing:
    dotted = f"{definition.module}.{definition.name}"
    if dotted in library.called:
        return Standing.CLASS
    if not NEVER_PARTS.isdisjoint(dotted.split(".")[1:]) or dotted.startswith(library.never):
        return Standing.REFUSED
    if definition.kind is Kind.ABSENT:
        return Standing.CHANGED
    kind = definition.kind
    if kind is Kind.VALUE:
        kind = Kind.CLASS if _CLASS_LIKE.fullmatch(definition.name) else Kind.FUNCTION
    if kind is Kind.FUNCTION:
        return Standing.FUNCTION if _is_kept_function(library, dotted) else Standing.REFUSED
    if not dotted.startswith(library.classes):
        return Standing.REFUSED
    if library.evaluates and not dotted.startswith(library.built):
        return Standing.TEXTS
    built = dotted.startswith(library.built) and not dotted.startswith(library.bare)
    return Standing.CLASS if kind is Kind.ENUM or built else Standing.BARE


def _is_kept_function(library: Library, dotted: str) -> bool:
    """Whether models keep the function. Private ones do what a library needs, such as fetching attributes."""
    found = [prefix for prefix in library.functions if dotted.startswith(prefix)]
    private = dotted.rpartition(".")[2].startswith("_")
    return any(not private or prefix.endswith("._") for prefix in found)
