"""The trust gate: checks each name and call of a pickle against the allow list, and records the others.

Nothing is imported and nothing runs. `_allowed` defines the list. These rules hold for what a pickle does
with the names on it:

- A conditional name, which is harmless only for certain arguments, must be called at once. It is not stored
  in a container or an attribute, and is no argument of another call.
- Checks read plain values only. A value that cannot be read (bytes, a text that is computed or too long, the
  result of a call) fails a check.
- A state is set only on an object that the file made, and has no name that Python's protocols use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scaffold.read._streams import CutShortError, MalformedError, Stream, stream_of
from scaffold.read._versions import Facts
from scaffold.read.gate import _allowed
from scaffold.read.gate._arguments import Checks, described, dotted_in, is_name
from scaffold.read.gate._arrays import is_numeric_dtype, skip_array
from scaffold.read.gate._code import Code, code_of
from scaffold.read.gate._formulas import fault_of_formula, fault_of_scipy_template
from scaffold.read.gate._libraries import (
    CALLED_BY_NAME,
    CHOICES_OF_METHODS,
    EVALUATED,
    EVALUATING,
    INPUTS,
    METHODS,
    READING,
)
from scaffold.read.gate._machine import follow
from scaffold.read.gate._policy import CONDITIONAL, UNKNOWN, Policy, Standing
from scaffold.read.gate._torch import follow_legacy
from scaffold.read.gate._values import (
    OPAQUE,
    Blob,
    Items,
    Made,
    Named,
    Opaque,
    Pairs,
    Value,
    conditional_in,
    is_deep,
    kept_in,
    parts_of,
)
from scaffold.spec import GlobalName

MOST_NAMES = 2_000
"""Names of one file: each is looked up in the sources of a library, and models have some dozens."""
MOST_LOOKED_AT = 5_000_000
"""Values that are looked at for what calls are given, in a file that names functions."""


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
    carried: dict[str, Refusal] = field(default_factory=dict)
    """Functions that the file carries by value, as `train.py:ratio`."""
    makes_code: bool = False
    """Whether it makes functions or classes by value at all."""
    by_value: dict[str, Refusal] = field(default_factory=dict)
    """What is allowed only beside code by value, where that may run."""
    formulas: list[tuple[str, Value, int, str | None]] = field(default_factory=list)
    """Texts that some library may evaluate: the key, the text and where it stands."""
    methods: list[tuple[str, Value, int, str | None]] = field(default_factory=list)
    """Names of methods that some library may call, likewise."""
    templates: list[tuple[Value, int, str | None]] = field(default_factory=list)
    """Texts that scipy runs, likewise: also in a dict that may become a state in other ways than by BUILD."""
    has_kept: bool = False
    """Whether it has what nothing may call while it loads: a function, or an instance of a `BARE` class."""
    arrays: bool = False
    """Whether joblib's arrays lie between the opcodes."""
    facts: Facts = field(default_factory=Facts)
    """What the file says of its versions."""


class Gate:
    """A visitor of one pickle, see `_stack.Visitor`.

    Args:
        policy: Which names are allowed.
        findings: Where to record what was found.
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
        self._checks = Checks(policy)
        self._looked_at = 0

    # ------------------------------------------------------------------ names

    def named(self, name: Named) -> Named:
        """See Visitor."""
        standing = self._policy.standing(name.module, name.qualname)
        key = (name.module, name.qualname, self._member)
        if len(self._findings.names) > MOST_NAMES:
            raise MalformedError(name.offset, f"more than {MOST_NAMES} names")
        if key not in self._findings.names:
            found = GlobalName(
                module=name.module, qualname=name.qualname, offset=name.offset, member=self._member
            )
            self._findings.names[key] = found
            match standing:
                case Standing.REFUSED if self._policy.is_standard(name.module):
                    self._refuse(name.dotted, name.offset)
                case Standing.REFUSED:
                    # Code by value keeps what libraries define; where it may run, so may they.
                    self._only_by_value(name.dotted, name.offset)
                case Standing.MISSING:
                    self._findings.missing.setdefault(name.module.partition(".")[0], found)
                case Standing.CHANGED:
                    self._findings.changed.setdefault(name.dotted, found)
                case Standing.BY_VALUE if self._policy.is_code(name.module):
                    self._findings.makes_code = True
                    self._findings.carried[name.dotted] = Refusal(name.dotted, name.offset, self._member)
                case Standing.BY_VALUE:
                    self._only_by_value(name.dotted, name.offset)
        self._findings.has_kept = self._findings.has_kept or standing is Standing.FUNCTION
        return Named(
            name.module,
            name.qualname,
            name.offset,
            conditional=standing in CONDITIONAL or standing is Standing.REFUSED,
            kept=standing is Standing.FUNCTION,
        )

    def extension(self, offset: int) -> None:
        """See Visitor."""
        self._refuse("copyreg extension", offset, "what it stands for is not in the file")

    def persistent(self, key: Value, offset: int) -> Value:
        """See Visitor."""
        if not self._torch:
            raise MalformedError(offset, "an object that lies outside the file")
        self._check_stored(key, offset)
        # torch's old layout keeps classes of modules so, with their source beside; all else are storages.
        if isinstance(key, tuple) and len(key) > 1 and isinstance(key[0], str) and key[0] == "module":
            return key[1]
        return OPAQUE

    # ------------------------------------------------------------------ calls

    def called(self, call: Made, offset: int) -> Value:
        """See Visitor."""
        self._findings.facts.called(call)
        match call.maker:
            case Named() as name:
                return self._called_name(name, call, offset)
            case Made(by_value=True):
                return self._made_by_value(call, offset)
            case _:
                self._refuse(described(call.maker), offset, "the result of a call is called")
                return call

    def _called_name(self, name: Named, call: Made, offset: int) -> Value:
        standing = self._policy.standing(name.module, name.qualname)
        if standing in UNKNOWN:
            if standing is Standing.REFUSED:
                self._refuse(name.dotted, name.offset)
            call.fresh = True  # not checked further
            return call
        if standing is Standing.BY_VALUE:
            return self._made_by_value(call, offset)
        if self._policy.trusts(name.dotted):
            call.fresh = True
            return call
        if name.dotted in _allowed.COPYREG:
            return self._reconstructed(name, call, offset)
        if name.dotted in _allowed.UFUNC or name.dotted in _allowed.GETATTR:
            fetched = self._fetched(name, call.arguments, offset)
            if fetched is not None:
                return fetched
            call.kept = name
            self._findings.has_kept = True
        self._check_arguments(name, call, offset)
        place = _allowed.STATE_OF.get(name.dotted)
        if place is not None:
            self._check_state(call, call.arguments[place] if len(call.arguments) > place else OPAQUE, offset)
        match standing:
            case Standing.CONDITIONAL:
                self._check_call(name, call, offset)
                return call
            case Standing.TEXTS:
                self._check_texts(name, call, offset)
            case Standing.BARE if not call.bare:
                self._refuse(name.dotted, offset, "called while it loads")
            case Standing.FUNCTION:
                self._refuse(name.dotted, offset, "called while it loads")
        call.fresh = standing is not Standing.FUNCTION
        if name.dotted in _allowed.PARTIAL:
            call.kept = kept_in(call.arguments)
        elif standing is Standing.BARE:
            # What the file writes into its attributes, its methods may open, import or call: a call that is
            # given the instance could iterate, index or call it.
            call.kept = name
            self._findings.has_kept = True
        return call

    def _reconstructed(self, name: Named, call: Made, offset: int) -> Value:
        """The bare instance that a function of `copyreg` makes of its first argument."""
        arguments = call.arguments
        kind = arguments[0] if arguments else OPAQUE
        if isinstance(kind, Made) and kind.by_value:
            return self._made_by_value(Made(kind, arguments[1:], bare=True), offset)
        if not isinstance(kind, Named):
            self._refuse(described(kind), offset, "an instance is made of what is no class")
            return call
        # `_reconstructor` calls `__init__` of a base that is none of Python's own.
        bare = name.dotted != "copyreg._reconstructor" or is_name(arguments[1:2], _allowed.BASES)
        return self._called_name(kind, Made(kind, arguments[1:], call.keywords, bare=bare), offset)

    def _fetched(self, maker: Named, arguments: tuple[Value, ...], offset: int) -> Value | None:
        """Return the name for a pair of names: `getattr` of a name, or one of numpy's functions."""
        if len(arguments) != 2 or not isinstance(arguments[1], str):
            return None
        match arguments[0]:
            case str(module) if maker.dotted in _allowed.UFUNC:
                return self.named(Named(module, arguments[1], offset))
            case Named(module=module, qualname=qualname) if maker.dotted in _allowed.GETATTR:
                if f"{module}.{qualname}" in _allowed.BASES:
                    self._only_by_value(f"{module}.{qualname}.{arguments[1]}", offset)
                    return Made(maker, arguments, by_value=True)
                standing = self._policy.standing(module, f"{qualname}.{arguments[1]}")
                if standing not in UNKNOWN:
                    return self.named(Named(module, f"{qualname}.{arguments[1]}", offset))
        return None

    def _check_call(self, name: Named, call: Made, offset: int) -> None:
        """Refuse a call of a conditional name unless its arguments pass."""
        if name.dotted in _allowed.TORCH_BYTES and len(call.arguments) == 1:
            if isinstance(call.arguments[0], Blob):
                call.state = self._torch_bytes(call.arguments[0], offset)
                return
        elif name.dotted in _allowed.JOBLIB_ARRAY:
            if call.bare and self._joblib:
                call.fresh = True
                return
        elif self._checks.pass_call(name.dotted, call):
            return
        reached = ", ".join(described(argument) for argument in call.arguments[:3])
        self._refuse(name.dotted, offset, f"called with {reached}")

    def _torch_bytes(self, blob: Blob, offset: int) -> Value:
        """The object in bytes of torch's old layout."""
        # Before the storages stand five short pickles: the start of the bytes holds them, or this raises.
        visitor = Gate(self._policy, self._findings, member=self._member, torch=True)
        try:
            with stream_of(blob.start) as stream:
                return follow_legacy(stream, visitor)
        except (CutShortError, MalformedError):
            self._refuse(
                "torch.storage._load_from_bytes", offset, "called with bytes that torch did not write"
            )
            return OPAQUE

    # ------------------------------------------------------------------ code by value

    def _made_by_value(self, call: Made, offset: int) -> Made:
        """What code by value makes: anything, for it is code. It is listed, and checked at the end."""
        call.by_value = True
        called = call.maker
        if isinstance(called, Named) and called.dotted in _allowed.CODE_MAKERS:
            self._findings.makes_code = True
        if isinstance(called, Made) and isinstance(called.maker, Named):
            if called.maker.qualname == "_builtin_type" and called.arguments == ("CodeType",):
                self._carry(code_of(call.arguments), offset)
        elif isinstance(called, Named) and called.qualname in _allowed.CODE_OBJECT:
            self._carry(code_of(call.arguments), offset)
        elif isinstance(called, Named) and called.qualname in _allowed.IMPORTERS and call.arguments:
            self._import(call.arguments[0], offset)
        return call

    def _carry(self, code: Code, offset: int) -> None:
        self._findings.carried.setdefault(code.place, Refusal(code.place, offset, self._member))
        for module in code.imports:
            self._import(module, offset)

    def _import(self, module: Value, offset: int) -> None:
        """Record a module that code by value imports: the service needs it too."""
        if isinstance(module, str) and re.fullmatch(r"\w+(\.\w+)*", module):
            found = GlobalName(module=module, qualname="", offset=offset, member=self._member)
            self._findings.names.setdefault((module, "", self._member), found)

    def _only_by_value(self, name: str, offset: int, reason: str = "") -> None:
        self._findings.by_value.setdefault(name, Refusal(name, offset, self._member, reason))

    # ------------------------------------------------------------------ arguments and containers

    def _check_arguments(self, name: Named, call: Made, offset: int) -> None:
        """Refuse a call whose arguments have a name that it could call."""
        arguments = call.arguments
        if is_name(arguments[:1], _allowed.FIRST_OF.get(name.dotted, frozenset())):
            arguments = arguments[1:]
        if isinstance(call.keywords, Made):
            self._refuse(name.dotted, offset, "its keywords are the result of a call")
        library = _allowed.OF_CLASS.get(name.dotted)
        first = arguments[0] if arguments else OPAQUE
        if library and not (isinstance(first, Named) and first.dotted.startswith(library)):
            self._refuse(name.dotted, offset, f"it calls methods of {described(first)}")
        for value in (*arguments, call.keywords):
            is_factory = name.dotted == "collections.defaultdict" and value is first
            self._check_stored(value, offset)
            if isinstance(value, Pairs):
                # A class may take them for the attributes of what it makes.
                self._check_attributes(call, value.values, offset)
            elif isinstance(value, Items | tuple):
                self._check_items(name, call, value, offset)
            elif name.dotted in _allowed.DICTS and not (is_factory or _is_readable(value)):
                self._refuse(
                    name.dotted, offset, f"it is filled with {described(value)}, which cannot be read"
                )
            if name.dotted not in _allowed.PARTIAL | _allowed.TAKING_NAMES | _allowed.GETATTR:
                self._check_given(name, value, offset)

    def _check_given(self, name: Named, value: Value, offset: int) -> None:
        """Refuse to give a value that has, or holds anywhere, what nothing may call now."""
        for part in parts_of(value) if self._findings.has_kept else ():
            self._looked_at += 1
            if self._looked_at > MOST_LOOKED_AT:
                raise MalformedError(offset, "more arguments of calls than a model has")
            if kept := kept_in(part):
                self._refuse(kept.dotted, offset, f"given to {name.dotted} while it loads")
                return

    def _check_items(self, name: Named, call: Made, values: Items | tuple[Value, ...], offset: int) -> None:
        """Check pairs that a call may take for the items of a dict, or for attributes."""
        items = list(values) if isinstance(values, tuple) else values.values
        pairs = [_items_of(each) for each in items]
        found = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
        for key, value in found:
            self._note_text(key, value, offset)
        if name.dotted in _allowed.DICTS:
            whole = isinstance(values, tuple) or values.whole
            if len(found) < len(items) or not whole:
                self._refuse(name.dotted, offset, "it is filled with what cannot be read")
            self._check_attributes(call, found, offset)

    def _note_text(self, key: Value, value: Value, offset: int) -> None:
        """Note a text that a library may evaluate, or call the method of that name: checked at the end."""
        if not isinstance(key, str):
            return
        if key in EVALUATED:
            self._findings.formulas.append((key, value, offset, self._member))
        elif key in CALLED_BY_NAME:
            self._findings.methods.append((key, value, offset, self._member))
        elif key == _allowed.SCIPY_TEMPLATE:
            self._findings.templates.append((value, offset, self._member))

    def _check_stored(self, value: Value, offset: int) -> None:
        conditional = conditional_in(value)
        if conditional is not None:
            # Code by value keeps such names as its globals; where that may run, so may they.
            self._only_by_value(conditional.dotted, offset, "kept as a value, not called")

    def put(self, target: Value, values: list[Value], offset: int) -> None:
        """See Visitor."""
        for value in values:
            self._check_stored(value, offset)
        if not isinstance(target, Items):
            self._require_own(target, offset, "items are added to what is no container of the file's own")
        elif any(is_deep(value) for value in values):
            raise MalformedError(offset, "a tuple that would take too long to hash")

    def set(self, target: Value, keys: list[Value], values: list[Value], offset: int) -> None:
        """See Visitor."""
        for value in (*keys, *values):
            self._check_stored(value, offset)
        if any(is_deep(key) for key in keys):
            raise MalformedError(offset, "a key that would take too long to hash")
        for key, value in zip(keys, values, strict=False):
            self._note_text(key, value, offset)
        if isinstance(target, Pairs):
            if target.closed:
                self._refuse("a dict", offset, "it is the state of an instance and changed afterwards")
        else:
            self._require_own(target, offset, "items are set in what is no container of the file's own")
            if not (isinstance(target, Made) and target.by_value):
                self._check_attributes(target, list(zip(keys, values, strict=False)), offset)

    def _require_own(self, target: Value, offset: int, reason: str) -> None:
        """Refuse unless `target` is an object that this file made, with the methods of its class."""
        if not isinstance(target, Made) or not (target.fresh or target.by_value):
            self._refuse(described(target), offset, reason)
        elif target.replaces and not target.by_value:
            self._refuse(described(target), offset, f"its method '{target.replaces}' is replaced")

    # ------------------------------------------------------------------ states

    def built(self, instance: Value, state: Value, offset: int, stream: Stream) -> Value:
        """See Visitor."""
        self._findings.facts.built(instance, state)
        self._check_stored(state, offset)
        if not isinstance(instance, Made) or not (instance.fresh or instance.by_value):
            self._refuse(
                described(instance), offset, "a state is set on what is no instance of the file's own"
            )
            return instance
        if not instance.by_value:
            self._check_state(instance, state, offset)
        if isinstance(instance.maker, Named) and instance.maker.dotted.startswith(_allowed.READING_STATE):
            self._check_given(instance.maker, state, offset)
        if is_name((instance.maker,), _allowed.JOBLIB_ARRAY) and instance.state is not None:
            raise MalformedError(offset, "a second description of an array")
        instance.state = state
        instance.kept = instance.kept or (
            kept_in(state) if is_name((instance.maker,), _allowed.PARTIAL) else None
        )
        if is_name((instance.maker,), _allowed.JOBLIB_ARRAY):
            return self._array(instance, offset, stream)
        return instance

    def _check_state(self, instance: Made, state: Value, offset: int) -> None:
        """Refuse a state that changes what an object is, or that cannot be read."""
        # What Python takes for attributes is a dict, or a pair of dicts.
        pair = isinstance(state, tuple) and len(state) == 2
        is_partial = is_name((instance.maker,), _allowed.PARTIAL)
        keywords = state[2:] if is_partial and isinstance(state, tuple) else ()
        for part in state if isinstance(state, tuple) else (state,):
            match part:
                case Pairs():
                    self._check_attributes(instance, part.values, offset)
                    if not part.whole:
                        self._refuse(described(instance), offset, "its state is too long to be read")
                    part.closed = True
                case Made(content=Pairs(values=values, whole=True)) if _is_filled_dict(part):
                    self._check_attributes(instance, values, offset)
                case Made() if (pair or part is state or part in keywords) and not _is_no_dict(part):
                    self._refuse(described(instance), offset, "its state is the result of a call")
        if self._is_of(instance, EVALUATING) and _may_hold_pairs(state):
            self._refuse(described(instance), offset, "its state is no dict, and may set attributes as one")

    def _check_attributes(self, instance: Value, pairs: list[tuple[Value, Value]], offset: int) -> None:
        for key, value in pairs:
            if isinstance(key, Made) and not _is_no_text(key):
                self._refuse(described(instance), offset, "the name of an attribute is the result of a call")
            elif isinstance(key, Opaque):
                self._refuse(described(instance), offset, "the name of an attribute cannot be read")
            elif isinstance(key, str) and _is_protocol(key) and (value is None or not _is_plain(value)):
                self._refuse(described(instance), offset, f"its '{key}' is replaced")
            elif isinstance(key, str) and key in _ADDING and isinstance(instance, Made):
                instance.replaces = instance.replaces or key
            elif isinstance(key, str) and key in INPUTS and self._is_of(instance, READING):
                if not isinstance(value, str) or value not in INPUTS[key]:
                    self._refuse(described(instance), offset, "it reads the files that its input names")
            elif isinstance(key, str) and key == _allowed.SCIPY_TEMPLATE:
                self._check_template(described(instance), value, offset, self._member)

    def _is_of(self, instance: Value, places: tuple[str, ...]) -> bool:
        root = instance.root() if isinstance(instance, Made) else None
        return root is not None and self._policy.is_defined_in(root.module, root.qualname, places)

    def _check_template(self, name: str, value: Value, offset: int, member: str | None) -> None:
        fault = fault_of_scipy_template(value) if isinstance(value, str) else described(value)
        if fault is not None and not self._policy.trusts(name):
            reason = f"the text that it evaluates holds {fault}"
            self._findings.refusals.setdefault(name, Refusal(name, offset, member, reason))

    def _check_texts(self, name: Named, call: Made, offset: int) -> None:
        """Refuse a call of a class that evaluates its texts unless every one of them is a formula."""
        for value in _leaves((*call.arguments, call.keywords)):
            self._check_formula(value, offset, self._member, name.dotted)

    def _check_formula(self, value: Value, offset: int, member: str | None, where: str) -> None:
        made = value.root() if isinstance(value, Made) else None
        if made is not None and made.module.partition(".")[0] in _allowed.FORMULA_MAKERS:
            return  # it was checked when it was made
        if _is_plain(value) and not isinstance(value, str):
            return
        if isinstance(value, Made) and self._is_checked(value.maker):
            return
        fault = fault_of_formula(value) if isinstance(value, str) else described(value)
        if fault is not None and not self._policy.trusts(fault):
            name = dotted_in(fault)
            self._findings.refusals.setdefault(
                name, Refusal(name, offset, member, f"in a text that {where} evaluates")
            )

    def _is_checked(self, maker: Value) -> bool:
        """Whether the texts of what `maker` makes are checked when it is made."""
        return isinstance(maker, Named) and (
            self._policy.standing(maker.module, maker.qualname) is Standing.TEXTS
        )

    def _array(self, wrapper: Made, offset: int, stream: Stream) -> Value:
        if not self._joblib:
            return wrapper
        self._findings.arrays = True
        if stream.position < stream.frame_end:
            raise MalformedError(offset, "an array in the middle of a frame")
        if skip_array(wrapper, stream):
            return follow(stream, Gate(self._policy, self._findings, member=self._member))
        return OPAQUE

    # ------------------------------------------------------------------ the end

    def finish(self) -> None:
        """Check what depends on all names of the file."""
        tops = {module.partition(".")[0] for module, _, _ in self._findings.names}
        for key, value, offset, member in self._findings.formulas:
            if tops & EVALUATED[key]:
                self._check_formula(value, offset, member, f"'{key}'")
        for value, offset, member in [] if self._findings.refusals else self._findings.templates:
            self._check_template("scipy", value, offset, member)
        for key, value, offset, member in self._findings.methods:
            fault = _fault_of_methods(value) if tops & CALLED_BY_NAME[key] else None
            if fault is not None and not self._policy.trusts(fault):
                reason = f"the method that '{key}' names"
                self._findings.refusals.setdefault(fault, Refusal(fault, offset, member, reason))

    def _refuse(self, name: str, offset: int, reason: str = "") -> None:
        if not self._policy.trusts(name):
            self._findings.refusals.setdefault(name, Refusal(name, offset, self._member, reason))


def _items_of(value: Value) -> list[Value]:
    """What a list or tuple holds; nothing for any other value."""
    if isinstance(value, tuple):
        return list(value)
    return value.values if isinstance(value, Items) and value.whole else []


def _is_readable(value: Value) -> bool:
    """Whether a dict that is made of this holds what was checked before: names of classes, other dicts."""
    if isinstance(value, Made):
        return value.by_value or is_name((value.maker,), _allowed.DICTS)
    return isinstance(value, Named) or _is_plain(value)


def _is_filled_dict(made: Made) -> bool:
    """Whether this was made empty, and all that it holds was set item by item."""
    return made.content is not None and not made.arguments and made.state is None


def _may_hold_pairs(state: Value) -> bool:
    """Whether `dict.update` may take a state that is no dict, as a sequence of pairs.

    Many classes do `self.__dict__.update(state)`. What a list holds is not known: it may change through an
    object that was made of it. A tuple with a value that cannot be iterated raises TypeError.
    """
    if isinstance(state, tuple):
        return not any(_is_no_iterable(value) for value in state)
    return isinstance(state, Opaque | Items) or (isinstance(state, Made) and not _is_filled_dict(state))


def _is_no_iterable(value: Value) -> bool:
    if isinstance(value, Made):
        return isinstance(value.maker, Named) and value.maker.module.startswith("numpy.random.")
    return value is None or isinstance(value, bool | int | float)


def _is_no_dict(made: Made) -> bool:
    """Whether what a call makes is surely none of the dicts that Python takes for attributes."""
    root = made.root()
    return root is not None and root.module.partition(".")[0] in _allowed.NO_DICTS


def _is_no_text(made: Made) -> bool:
    """Whether what a call makes is surely equal to no text. A text of numpy is equal to one of Python."""
    if is_name((made.maker,), _allowed.NUMPY_SCALARS):
        return bool(made.arguments) and is_numeric_dtype(made.arguments[0])
    return is_name((made.maker,), _allowed.NO_TEXTS)


_ADDING = frozenset({"append", "extend", "add", "update", "__setitem__"})


def _leaves(values: tuple[Value, ...]) -> list[Value]:
    """The values in containers, to the bottom; a container that is not remembered whole is one itself."""
    leaves: list[Value] = []
    waiting = list(values)
    while waiting and len(leaves) < _MOST_LEAVES:
        match waiting.pop():
            case Items(values=inner, whole=True):
                waiting += inner
            case Pairs(values=pairs, whole=True):
                waiting += [each for pair in pairs for each in pair]
            case tuple() as inner:
                waiting += inner
            case Made() | Named():
                pass  # checked when it was made
            case value:
                leaves.append(value)
    return [OPAQUE] if waiting else leaves


_MOST_LEAVES = 10_000


def _fault_of_methods(value: Value) -> str | None:
    """What is no name of a method that a model may have called; None if all are."""
    match value:
        case None:
            return None
        case str():
            return None if value in METHODS | CHOICES_OF_METHODS else value[:60]
        case tuple() | Items(whole=True):
            values = value if isinstance(value, tuple) else value.values
            return next((fault for each in values if (fault := _fault_of_methods(each))), None)
        case _:
            return described(value)


def _is_plain(value: Value) -> bool:
    """Whether a value can neither be called nor describe memory."""
    return value is None or isinstance(value, bool | int | float | str)


def _is_protocol(name: str) -> bool:
    """Whether Python or a library looks up an attribute of this name to learn what to do with an object."""
    return name.startswith("__") and name.endswith("__") and name not in _allowed.ATTRIBUTES
