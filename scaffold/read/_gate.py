"""The trust gate: hears what a pickle names and calls, and writes down what is not on the allow list.

Nothing is imported and nothing runs. What the gate cannot see is what code that is trusted does with values
it is given; so the lists in `_allowed` leave out whatever evaluates text, opens files by name or starts
programs, and functions that a model merely keeps may not be called by the pickle itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scaffold.read import _allowed
from scaffold.read._annotations import annotations_in, calling_text
from scaffold.read._arrays import pass_array
from scaffold.read._code import Code, code_of, words_of_text
from scaffold.read._libraries import METHODS_OF
from scaffold.read._machine import follow
from scaffold.read._policy import Policy, Standing
from scaffold.read._streams import CutShortError, GarbledError, Stream, stream_of
from scaffold.read._torch import follow_legacy
from scaffold.read._values import OPAQUE, Blob, Items, Made, Named, Pairs, Value
from scaffold.read._versions import Facts
from scaffold.spec import GlobalName


@dataclass(frozen=True, slots=True)
class Refusal:
    """A name that is not run unasked, and where it stands."""

    name: str
    offset: int
    member: str | None
    reason: str = ""


@dataclass(slots=True)
class Findings:
    """What was found in all the pickles of one file."""

    names: dict[tuple[str, str, str | None], GlobalName] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    missing: dict[str, GlobalName] = field(default_factory=dict)
    changed: dict[str, GlobalName] = field(default_factory=dict)
    arrays: bool = False
    """Whether joblib's arrays lie between the opcodes."""
    facts: Facts = field(default_factory=Facts)
    """What the file says of its versions."""


class Gate:
    """A witness of one pickle, see `_machine.Witness`.

    Args:
        policy: What names are worth.
        findings: Where to write down what was met.
        member: The archive's member that holds the pickle.
        joblib: Whether joblib loads it, which reads arrays from between the opcodes.
        torch: Whether torch loads it, which finds storages by persistent ids.
    """

    def __init__(
        self,
        policy: Policy,
        findings: Findings,
        *,
        member: str | None = None,
        joblib: bool = False,
        torch: bool = False,
    ) -> None:
        self._policy = policy
        self._findings = findings
        self._member = member
        self._joblib = joblib
        self._torch = torch

    # ------------------------------------------------------------------ what the machine tells

    def named(self, name: Named) -> None:
        """See Witness."""
        key = (name.module, name.qualname, self._member)
        if key in self._findings.names:
            return
        found = GlobalName(
            module=name.module, qualname=name.qualname, offset=name.offset, member=self._member
        )
        self._findings.names[key] = found
        match self._policy.standing(name.module, name.qualname):
            case Standing.REFUSED:
                self._refuse(name.dotted, name.offset)
            case Standing.MISSING:
                self._findings.missing.setdefault(name.module.partition(".")[0], found)
            case Standing.CHANGED:
                self._findings.changed.setdefault(name.dotted, found)

    def called(self, call: Made, offset: int) -> Value:
        """See Witness."""
        self._findings.facts.called(call)
        match call.maker:
            case Named() as name:
                return self._called_name(name, call, offset)
            case Made() as maker:
                self._called_result(maker, call, offset)
                return call
            case _:
                self._refuse(_described(call.maker), offset, "what is called cannot be told")
                return call

    def built(self, instance: Value, state: Value, offset: int, stream: Stream) -> Value:
        """See Witness."""
        self._findings.facts.built(instance, state)
        if not isinstance(instance, Made) or self._is_cloudpickled(instance):
            self._refuse(_described(instance), offset, "a state is set on what is no instance")
            return instance
        if any(isinstance(key, str) and _is_dunder(key) for key in _slot_keys(state)):
            self._refuse(_described(instance), offset, "its class or code is replaced")
        self._check_texts(instance, state, offset)
        instance.state = state
        if _is_name(instance.maker, _allowed.JOBLIB_ARRAY):
            return self._array(instance, offset, stream)
        return instance

    def mutated(self, target: Value, offset: int) -> None:
        """See Witness."""
        if not isinstance(target, Made):
            self._refuse(_described(target), offset, "items are added to what is no container")

    def annotated(self, annotations: Pairs, offset: int) -> None:
        """See Witness."""
        self._check_annotations(annotations, offset)

    def persistent(self, key: Value, offset: int) -> Value:
        """See Witness."""
        if not self._torch:
            raise GarbledError(offset, "an object that lies outside the file")
        # torch's old layout keeps classes of modules so, with their source beside; all else are storages.
        if isinstance(key, tuple) and len(key) > 1 and key[0] == "module":
            return key[1]
        return OPAQUE

    def extension(self, offset: int) -> None:
        """See Witness."""
        self._refuse("copyreg extension", offset, "what it stands for is not in the file")

    # ------------------------------------------------------------------ calls

    def _called_name(self, name: Named, call: Made, offset: int) -> Value:
        self._check_arguments(name, call, offset)
        special = self._called_special(name, call, offset)
        if special is not None:
            return special
        if name.module in _allowed.CLOUDPICKLE_MODULES:
            return self._called_cloudpickle(name, call, offset)
        standing = self._policy.standing(name.module, name.qualname)
        maker, bare = _made_by(name, call)
        if maker is not name:
            if not isinstance(maker, Named):
                if not (isinstance(maker, Made) and self._is_class_by_value(maker)):
                    self._refuse(_described(maker), offset, "an instance is made of what is no class")
                return Made(maker, call.arguments[1:], bare=True)
            standing = self._policy.standing(maker.module, maker.qualname)
        enough = Standing.BARE if (bare or call.bare) and not _is_initialised(name, call) else Standing.CALLED
        if Standing.MENTIONED <= standing < enough:
            self._refuse(
                maker.dotted if isinstance(maker, Named) else name.dotted, offset, "called while it loads"
            )
        return Made(maker, call.arguments, call.keywords, bare=bare or call.bare)

    def _called_special(self, name: Named, call: Made, offset: int) -> Value:
        """What stands for the result where the arguments decide; None for any other name."""
        dotted, arguments = name.dotted, call.arguments
        if dotted not in _allowed.BY_ARGUMENTS or self._policy.trusts(dotted):
            return None
        if dotted in _allowed.UFUNC and len(arguments) == 2 and all(isinstance(a, str) for a in arguments):
            found = Named(str(arguments[0]), str(arguments[1]), offset)
            self.named(found)
            return found
        if dotted in _allowed.GETATTR and (fetched := self._fetched(arguments, offset)):
            return fetched
        if dotted in _allowed.TORCH_BYTES and len(arguments) == 1 and isinstance(arguments[0], Blob):
            self._torch_bytes(arguments[0], offset)
            return call
        allowed = (
            (dotted in _allowed.GETATTR and self._may_get(arguments))
            or (dotted in _allowed.ATTRGETTER and all(isinstance(a, str) and _is_plain(a) for a in arguments))
            or (dotted in _allowed.TYPE and arguments in ((None,), (OPAQUE,)))
            or (dotted in _allowed.GETITEM and len(arguments) == 2 and _is_typing(arguments[0]))
            or (dotted in _allowed.REDUCE and _is_name(arguments[0] if arguments else None, _allowed.GETITEM))
            or (dotted in _allowed.TORCH_CALL and self._may_call(arguments))
            or (dotted in _allowed.JOBLIB_ARRAY and call.bare and self._joblib)
        )
        if not allowed:
            reached = ", ".join(_described(argument) for argument in arguments[:3])
            self._refuse(dotted, offset, f"called with {reached}")
        return call

    def _fetched(self, arguments: tuple[Value, ...], offset: int) -> Named | None:
        """The name that `getattr` leads to from a name, if it is allowed."""
        match arguments:
            case (Named() as owner, str(attribute)):
                found = Named(owner.module, f"{owner.qualname}.{attribute}", offset)
                allowed = self._policy.standing(found.module, found.qualname) >= Standing.MENTIONED
                return found if allowed else None
        return None

    def _may_get(self, arguments: tuple[Value, ...]) -> bool:
        """Whether `getattr` fetches only an enumeration's member or a method of the user's own class."""
        if len(arguments) != 2 or not isinstance(arguments[1], str):
            return False
        if _is_name(arguments[0], _allowed.BASES) and arguments[1] in _allowed.SLOTS:
            return True
        if not arguments[1].isidentifier() or arguments[1].startswith("__"):
            return False
        owner = arguments[0].maker if isinstance(arguments[0], Made) else arguments[0]
        if isinstance(owner, Made):
            return self._is_class_by_value(owner)
        if not isinstance(owner, Named):
            return False
        if owner.module == "__main__" or self._policy.has_method(owner.module, owner.qualname, arguments[1]):
            return True
        if self._policy.standing(owner.module, owner.qualname) < Standing.MENTIONED:
            return False
        if self._policy.is_enum_member(owner.module, owner.qualname):
            return True
        bound = isinstance(arguments[0], Made) and owner.module.partition(".")[0] in METHODS_OF
        return bound and not _REACHING_OUT.search(arguments[1])

    def _may_call(self, arguments: tuple[Value, ...]) -> bool:
        target = arguments[0] if arguments else OPAQUE
        return (
            isinstance(target, Named)
            and self._policy.standing(target.module, target.qualname) is Standing.CALLED
        )

    def _called_result(self, maker: Made, call: Made, offset: int) -> None:
        """A call's result is called: only classes that the file carries may be, and types that they need."""
        if _is_type(maker, "CodeType"):
            self._check_code(code_of(call.arguments), offset)
            return
        if not (self._is_class_by_value(maker) or _is_type(maker)):
            self._refuse(_described(maker), offset, "code that the file carries is called while it loads")

    # ------------------------------------------------------------------ cloudpickle

    def _called_cloudpickle(self, name: Named, call: Made, offset: int) -> Value:
        arguments = call.arguments
        first = arguments[0] if arguments else None
        match name.qualname:
            case "subimport" if isinstance(first, str):
                self._check_import(first, offset)
            case "_builtin_type" if first in _allowed.CLOUDPICKLE_TYPES:
                pass
            case "_function_setstate" if self._is_function_by_value(first):
                pass
            case "_class_setstate" if self._is_class_by_value(first):
                pass
            case "_make_skeleton_class" if self._is_metaclass(first):
                pass
            case (
                "subimport"
                | "_builtin_type"
                | "_function_setstate"
                | "_class_setstate"
                | "_make_skeleton_class"
            ):
                self._refuse(name.dotted, offset, f"called with {_described(first)}")
        return call

    def _is_metaclass(self, value: Value) -> bool:
        """Whether this makes classes. cloudpickle calls it, so a function in its place would run."""
        if not isinstance(value, Named):
            return self._is_class_by_value(value)
        known = value.dotted in _allowed.METACLASSES
        return known or self._policy.standing(value.module, value.qualname) >= Standing.BARE

    def _check_import(self, module: str, offset: int) -> None:
        key = (module, "", self._member)
        found = GlobalName(module=module, qualname="", offset=offset, member=self._member)
        self._findings.names.setdefault(key, found)
        if not self._policy.may_import(module):
            self._refuse(module, offset, "imported by code that the file carries")

    def _check_code(self, code: Code | None, offset: int) -> None:
        if code is None:
            self._refuse("types.CodeType", offset, "code that cannot be read")
            return
        for module in code.imports:
            self._check_import(module, offset)
        for name in code.suspicious:
            if not self._policy.trusts(name):
                self._refuse(name, offset, f"used by {code.name}, whose code the file carries")

    def _is_cloudpickled(self, made: Made) -> bool:
        """Whether this is a function, class or module that cloudpickle puts together, not an instance."""
        return isinstance(made.maker, Named) and made.maker.module in _allowed.CLOUDPICKLE_MODULES

    def _is_class_by_value(self, value: Value) -> bool:
        return self._is_by_value(value, ("_make_skeleton_class", "_make_skeleton_enum"))

    def _is_function_by_value(self, value: Value) -> bool:
        return self._is_by_value(value, ("_make_function",))

    def _is_by_value(self, value: Value, makers: tuple[str, ...]) -> bool:
        return (
            isinstance(value, Made)
            and self._is_cloudpickled(value)
            and isinstance(value.maker, Named)
            and value.maker.qualname in makers
        )

    # ------------------------------------------------------------------ what lies inside values

    def _check_arguments(self, name: Named, call: Made, offset: int) -> None:
        """Refuse what a call of an allowed name would evaluate, or fill the memory with."""
        if name.module in _allowed.CLOUDPICKLE_MODULES or name.dotted in _allowed.ANNOTATED:
            for annotations in annotations_in((*call.arguments, call.keywords)):
                self._check_annotations(annotations, offset)
        of_types = name.dotted in _allowed.TYPE_FORMS | _allowed.GETITEM
        if of_types and not _is_name(call.arguments[0] if call.arguments else None, _allowed.LITERAL):
            self._check_annotations(call.arguments, offset)
        if name.module.partition(".")[0] in _EVALUATING_LIBRARIES:
            for word in (w for text in _leaves(call.arguments) for w in words_of_text(text)):
                self._refuse(word, offset, f"in a text for {name.dotted}, which evaluates it")
        if name.dotted in _allowed.FILLED and any(_is_huge(argument) for argument in call.arguments):
            self._refuse(name.dotted, offset, "it would fill the memory")

    def _check_annotations(self, value: Value, offset: int) -> None:
        if isinstance(value, Pairs):
            value.evaluated = True
        text = calling_text(value)
        if text is not None:
            word = next(iter(words_of_text(text)), "eval")
            self._refuse(word, offset, "in an annotation, which is evaluated")

    def _array(self, wrapper: Made, offset: int, stream: Stream) -> Value:
        if not self._joblib:
            return wrapper
        self._findings.arrays = True
        if stream.position < stream.frame_end:
            raise GarbledError(offset, "an array in the middle of a frame")
        if pass_array(wrapper, stream):
            follow(stream, Gate(self._policy, self._findings, member=self._member))
        return OPAQUE

    def _torch_bytes(self, blob: Blob, offset: int) -> None:
        # Before the storages stand five short pickles: the start of the bytes holds them, or this raises.
        witness = Gate(self._policy, self._findings, member=self._member, torch=True)
        try:
            with stream_of(blob.start) as stream:
                follow_legacy(stream, witness)
        except (CutShortError, GarbledError):
            self._refuse(
                "torch.storage._load_from_bytes", offset, "called with bytes that torch did not write"
            )

    def _check_texts(self, instance: Made, state: Value, offset: int) -> None:
        """Refuse text in a state that the library evaluates: a formula, or scipy's template of a method."""
        root = instance.root()
        where = root.dotted if root else "an instance"
        for key, value in _texts(state):
            if key in _EVALUATED and isinstance(value, str):
                for word in words_of_text(value):
                    self._refuse(word, offset, f"in '{key}' of {where}, which is evaluated")
            if key in _PICKLED:
                self._refuse(where, offset, f"it unpickles the bytes in '{key}', which are not looked into")

    def _refuse(self, name: str, offset: int, reason: str = "") -> None:
        if not self._policy.trusts(name):
            self._findings.refusals.setdefault(name, Refusal(name, offset, self._member, reason))


# Methods that read or write files, or evaluate text.
_REACHING_OUT = re.compile(r"save|load|dump|write|read|open|eval|exec|^_?(to|from)_|pickle|sql|cmd")
_EVALUATED = frozenset({"_parse_arg_template", "formula", "code", "expr", "_formula", "rhs", "lhs"})


# Whose texts are formulas: they evaluate them when the model predicts.
_EVALUATING_LIBRARIES = frozenset({"formulaic", "patsy"})
# skorch keeps its networks so.
_PICKLED = frozenset({"__cuda_dependent_attributes__"})
_MOST_FILLED = 1 << 31


def _texts(state: Value, depth: int = 4) -> list[tuple[Value, Value]]:
    """The items of the dicts in a state, and of those in them."""
    match state:
        case Pairs(values=pairs) if depth:
            return [*pairs, *(pair for _, value in pairs for pair in _texts(value, depth - 1))]
        case tuple() if depth:
            return [pair for part in state for pair in _texts(part, depth - 1)]
    return []


def _leaves(value: Value) -> list[str]:
    match value:
        case str():
            return [value]
        case Items(values=values):
            return [text for each in values for text in _leaves(each)]
        case tuple():
            return [text for each in value for text in _leaves(each)]
    return []


def _is_huge(argument: Value) -> bool:
    """Whether a container that is made of this has more than any model needs."""
    if isinstance(argument, Made) and _is_name(argument.maker, frozenset({"builtins.range"})):
        return any(isinstance(bound, int) and abs(bound) > _MOST_FILLED for bound in argument.arguments)
    return isinstance(argument, int) and argument > _MOST_FILLED


def _is_initialised(name: Named, call: Made) -> bool:
    """Whether `copyreg._reconstructor` is given a base whose `__init__` it calls."""
    if name.dotted != "copyreg._reconstructor" or len(call.arguments) < 2:
        return False
    return not _is_name(call.arguments[1], _allowed.BASES)


def _slot_keys(state: Value) -> list[Value]:
    """The names that BUILD sets as attributes, where the state is a pair."""
    if not isinstance(state, tuple) or len(state) != 2:
        return []
    match state[1]:
        case Pairs() as pairs:
            return pairs.keys()
        case Made(content=Pairs() as pairs):
            return pairs.keys()
        case _:
            return []


def _made_by(name: Named, call: Made) -> tuple[Value, bool]:
    """What is really made by a call: `copyreg.__newobj__(cls)` makes a bare `cls`."""
    if name.module == "copyreg" and call.arguments:
        return call.arguments[0], True
    return name, False


def _is_name(value: Value, names: frozenset[str]) -> bool:
    return isinstance(value, Named) and value.dotted in names


def _is_type(value: Value, name: str | None = None) -> bool:
    """Whether this is a type that cloudpickle fetched, such as CodeType."""
    if not isinstance(value, Made) or not isinstance(value.maker, Named):
        return False
    return value.maker.qualname == "_builtin_type" and (name is None or value.arguments == (name,))


def _is_typing(value: Value) -> bool:
    if isinstance(value, Made):
        return _is_typing(value.maker) or (
            _is_name(value.maker, _allowed.GETITEM) and _is_typing(value.arguments[0])
        )
    return isinstance(value, Named) and value.module in (
        "typing",
        "collections.abc",
        "builtins",
        "types",
        "datetime",
    )


def _is_dunder(name: str) -> bool:
    """Whether setting an attribute of this name changes what an object is, not what it holds."""
    return name.startswith("__") and name.endswith("__") and not name.startswith("__forward_")


def _is_plain(name: str) -> bool:
    return all(part.isidentifier() and not part.startswith("_") for part in name.split("."))


def _described(value: Value) -> str:
    match value:
        case Named():
            return value.dotted
        case Made():
            root = value.root()
            return f"{root.dotted}(...)" if root else "a call's result"
        case str():
            return repr(value) if len(value) < 60 else "a text"
        case Items():
            return "a list"
        case Pairs():
            return "a dict"
        case Blob():
            return f"{value.size} bytes"
        case None | bool() | int() | float():
            return repr(value)
        case _:
            return "a value"
