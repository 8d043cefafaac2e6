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


class Verdict(enum.Enum):
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


CONDITIONAL = frozenset({Verdict.CONDITIONAL, Verdict.BARE, Verdict.TEXTS})
UNKNOWN = frozenset({Verdict.REFUSED, Verdict.MISSING, Verdict.CHANGED})


_ORDER = list(Verdict)
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
        self._verdicts: dict[tuple[str, str], Verdict] = {}

    def trusts(self, name: str) -> bool:
        """Whether `--trust` opened this name."""
        return self._trust.opens(name)

    def trust_advice(self, names: Sequence[str]) -> Advice:
        """How `--trust` would open these names, besides those that it opened."""
        return trust_advice(names, self.trusted, self._finder)

    def judge(self, module: str, qualname: str) -> Verdict:
        """Return what a pickle may do with `module.qualname`."""
        key = (module, qualname)
        if key not in self._verdicts:
            self._verdicts[key] = self._judge_name(module, qualname)
        return self._verdicts[key]

    def is_standard(self, module: str) -> bool:
        """Whether `module` is of the standard library, or none at all."""
        return module.partition(".")[0] in _STANDARD or self._finder.module(module) is None

    def is_local(self, module: str) -> bool:
        """Whether `module` is the user's own, or the script that made the file."""
        if module == "__main__":
            return True
        resolved = self._finder.module(module)
        return resolved is not None and self._home(module, resolved.home) is Home.LOCAL

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

    def _judge_name(self, module: str, qualname: str) -> Verdict:
        dotted = f"{module}.{qualname}"
        if self.trusts(dotted):
            return Verdict.CLASS
        if not _WORD.fullmatch(dotted):
            return Verdict.REFUSED
        top = module.partition(".")[0]
        if module == "__main__":
            return _judge_main(qualname)
        if top in _STANDARD:
            return _judge_standard(module, dotted)
        if dotted in _allowed.CODE_MAKERS:
            return Verdict.BY_VALUE
        if dotted in _allowed.CONDITIONAL:
            return Verdict.CONDITIONAL
        if top == "numpy":
            return self._check_installed(module, _judge_numpy(module, qualname, dotted))
        library = LIBRARIES.get(top)
        installed = self._finder.module(top)
        if installed is None and dotted in self._replaced:
            return Verdict.CLASS
        if library is not None and installed is not None and installed.home is not Home.LOCAL:
            if dotted in library.called:
                return Verdict.CLASS
            if dotted in library.kept:
                return Verdict.FUNCTION
        if self._finder.module(module) is None:
            return self._judge_absent(top)
        return self._judge_defined(module, qualname)

    def _judge_absent(self, top: str) -> Verdict:
        if self._finder.module(top) is None:
            return Verdict.MISSING
        return Verdict.CHANGED if top in LIBRARIES else Verdict.REFUSED

    def _check_installed(self, module: str, verdict: Verdict) -> Verdict:
        if verdict is not Verdict.REFUSED and self._finder.module(module.partition(".")[0]) is None:
            return Verdict.MISSING
        return verdict

    def _judge_defined(self, module: str, qualname: str) -> Verdict:
        first, _, rest = qualname.partition(".")
        definitions = self._finder.definitions(module, first)
        if not definitions:
            return Verdict.CHANGED
        verdicts = [self._judge_definition(module, d, rest) for d in definitions]
        present = [s for s in verdicts if s is not Verdict.MISSING]
        return min(present or verdicts, key=_ORDER.index)

    def _judge_definition(self, module: str, definition: Definition, rest: str) -> Verdict:
        name = f"{definition.name}.{rest}" if rest else definition.name
        if definition.module != module and definition.kind is not Kind.MODULE:
            top = definition.module.partition(".")[0]
            if definition.home is Home.STANDARD or top in ("numpy", *_STANDARD):
                return self.judge(definition.module, name)
        if definition.kind is Kind.MODULE:
            return Verdict.REFUSED
        if self._home(definition.module, definition.home) is Home.LOCAL:
            return self._judge_own(definition, rest)
        if definition.home is Home.STANDARD:
            return Verdict.REFUSED
        library = LIBRARIES.get(definition.module.partition(".")[0])
        if library is None:
            return Verdict.REFUSED
        if f"{definition.module}.{name}".startswith(library.by_value):
            return Verdict.BY_VALUE
        if (dotted := f"{definition.module}.{name}").startswith(library.as_code):
            listed = dotted in library.as_code or definition.kind is not Kind.COMPILED
            own = listed or self._finder.is_own(definition.module, definition.name)
            return Verdict.BY_VALUE if own else Verdict.REFUSED
        if rest and not self._finder.has_class(definition.module, name):
            return Verdict.REFUSED
        if definition.kind is Kind.COMPILED:
            return self._judge_compiled(library, definition)
        return _judge_library(library, definition)

    def _judge_compiled(self, library: Library, definition: Definition) -> Verdict:
        """Judge a name of a module without source: only names that its binary defines pass."""
        verdict = _judge_library(library, replace(definition, kind=Kind.CLASS))
        rebuilds = _PYX.fullmatch(definition.name) is not None
        named_so = rebuilds or _CLASS_LIKE.fullmatch(definition.name)
        if verdict is Verdict.REFUSED or not named_so:
            return Verdict.REFUSED
        if not self._finder.is_own(definition.module, definition.name):
            return Verdict.REFUSED
        return Verdict.CLASS if rebuilds else verdict

    def _judge_own(self, definition: Definition, rest: str) -> Verdict:
        if definition.kind is Kind.ABSENT:
            return Verdict.CHANGED
        if not rest:
            return self._judge_own_kind(definition)
        # An attribute of a class that is defined elsewhere, `Model.save = numpy.save`, is no name of its own.
        member = definition.kind is Kind.ENUM and "." not in rest
        name = f"{definition.name}.{rest}"
        nested = member or self._finder.has_class(definition.module, name, or_method=True)
        return Verdict.CLASS if nested and "__" not in rest else Verdict.REFUSED

    def _judge_own_kind(self, definition: Definition) -> Verdict:
        # Nobody knows what a function of the user's own does: a model may keep it, and call it in `predict`.
        is_function = definition.kind is Kind.FUNCTION and not self.confined
        return Verdict.FUNCTION if is_function else Verdict.CLASS


def _judge_main(qualname: str) -> Verdict:
    """`__main__` is the script that made the file; here it may be another one, with names of its own."""
    if "__" in qualname:
        return Verdict.REFUSED
    value: object = sys.modules.get("__main__")
    for part in qualname.split("."):
        value = vars(value).get(part) if hasattr(value, "__dict__") else None
    if value is None or getattr(value, "__module__", None) == "__main__":
        return Verdict.CLASS
    return Verdict.REFUSED


def _judge_standard(module: str, dotted: str) -> Verdict:
    if dotted in _allowed.NEVER:
        return Verdict.REFUSED
    for names, verdict in _STANDARD_LISTS:
        if dotted in names:
            return verdict
    name = dotted.rpartition(".")[2]
    public = dotted.count(".") == module.count(".") + 1 and not name.startswith("_")
    # What such a module imports for itself, `re.enum` or `statistics.sys`, is no name of its own.
    if public and module in _allowed.BY_VALUE_MODULES and name not in _STANDARD:
        return Verdict.BY_VALUE
    return Verdict.REFUSED


_STANDARD_LISTS = (
    (_allowed.CONDITIONAL, Verdict.CONDITIONAL),
    (_allowed.CLASSES, Verdict.CLASS),
    (_allowed.FUNCTIONS, Verdict.FUNCTION),
    (_allowed.BY_VALUE, Verdict.BY_VALUE),
)


def _judge_numpy(module: str, qualname: str, dotted: str) -> Verdict:
    if "." not in qualname and (
        dotted in _libraries.NUMPY_CALLED or _libraries.NUMPY_DTYPE.fullmatch(dotted)
    ):
        return Verdict.CLASS
    if dotted in _libraries.NUMPY_TYPES:
        return Verdict.FUNCTION
    if dotted in _libraries.NUMPY_BARE:
        return Verdict.BARE
    if module in _libraries.NUMPY_FUNCTION_MODULES and qualname in _libraries.NUMPY_FUNCTIONS:
        return Verdict.FUNCTION
    return Verdict.REFUSED


def _judge_library(library: Library, definition: Definition) -> Verdict:
    dotted = f"{definition.module}.{definition.name}"
    if dotted in library.called:
        return Verdict.CLASS
    if not NEVER_PARTS.isdisjoint(dotted.split(".")[1:]) or dotted.startswith(library.never):
        return Verdict.REFUSED
    if definition.kind is Kind.ABSENT:
        return Verdict.CHANGED
    kind = definition.kind
    if kind is Kind.VALUE:
        kind = Kind.CLASS if _CLASS_LIKE.fullmatch(definition.name) else Kind.FUNCTION
    if kind is Kind.FUNCTION:
        return Verdict.FUNCTION if _is_kept_function(library, dotted) else Verdict.REFUSED
    if not dotted.startswith(library.classes):
        return Verdict.REFUSED
    if library.evaluates and not dotted.startswith(library.built):
        return Verdict.TEXTS
    built = dotted.startswith(library.built) and not dotted.startswith(library.bare)
    return Verdict.CLASS if kind is Kind.ENUM or built else Verdict.BARE


def _is_kept_function(library: Library, dotted: str) -> bool:
    """Whether models keep the function. Private ones do what a library needs, such as fetching attributes."""
    prefixes = [prefix for prefix in library.functions if dotted.startswith(prefix)]
    private = dotted.rpartition(".")[2].startswith("_")
    return any(not private or prefix.endswith("._") for prefix in prefixes)
