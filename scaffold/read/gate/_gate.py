"""The trust gate: checks each name and call of a pickle against the allow list, and records the others.

Nothing is imported and nothing runs. `_allowed` defines the list. These rules hold for what a pickle does
with the names on it:

- A conditional name, which is harmless only for certain arguments, must be called at once. It is not stored
  in a container or an attribute, and is no argument of another call.
- Checks read plain values only. A value that cannot be read (bytes, a text that is computed or too long, the
  result of a call) fails a check.
- A state is set only on an object that the file made, and has no name that Python's protocols use: `_states`.
- A text that a library evaluates is parsed: `_texts`.
"""

from __future__ import annotations

from scaffold.read._streams import CutShortError, MalformedError, Stream, stream_of
from scaffold.read.gate import _allowed
from scaffold.read.gate._arguments import Checks, described, is_name
from scaffold.read.gate._arrays import skip_array
from scaffold.read.gate._code import code_of
from scaffold.read.gate._machine import follow
from scaffold.read.gate._policy import CONDITIONAL, UNKNOWN, Policy, Verdict
from scaffold.read.gate._report import Findings, Refusal, Report
from scaffold.read.gate._states import States
from scaffold.read.gate._texts import Texts
from scaffold.read.gate._torch import follow_legacy
from scaffold.read.gate._values import (
    OPAQUE,
    Blob,
    Call,
    Items,
    Named,
    Pairs,
    Value,
    conditional_in,
    is_deep,
    is_plain,
    kept_in,
    parts_of,
)
from scaffold.spec import GlobalName

MOST_NAMES = 2_000
"""The most names in one file: each is looked up in library sources, and a model has a few dozen."""
MOST_LOOKED_AT = 5_000_000
"""The most values that are examined in arguments of calls, in a file that names functions."""


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
        self._report = Report(policy, findings, member)
        self._texts = Texts(policy, self._report)
        self._states = States(policy, self._report, self._texts)
        self._joblib = joblib
        self._torch = torch
        self._checks = Checks(policy)
        self._looked_at = 0

    # ------------------------------------------------------------------ names

    def named(self, name: Named) -> Named:
        """See Visitor."""
        verdict = self._policy.judge(name.module, name.qualname)
        key = (name.module, name.qualname, self._member)
        if len(self._findings.names) > MOST_NAMES:
            raise MalformedError(name.offset, f"more than {MOST_NAMES} names")
        if key not in self._findings.names:
            global_name = GlobalName(
                module=name.module, qualname=name.qualname, offset=name.offset, member=self._member
            )
            self._findings.names[key] = global_name
            match verdict:
                case Verdict.REFUSED if self._policy.is_standard(name.module):
                    self._report.refuse(name.dotted, name.offset)
                case Verdict.REFUSED:
                    # Code by value keeps what libraries define; where it may run, so may they.
                    self._report.only_by_value(name.dotted, name.offset)
                case Verdict.MISSING:
                    self._findings.missing.setdefault(name.module.partition(".")[0], global_name)
                case Verdict.CHANGED:
                    self._findings.changed.setdefault(name.dotted, global_name)
                case Verdict.BY_VALUE if self._policy.is_code(name.module):
                    self._findings.makes_code = True
                    self._findings.carried[name.dotted] = Refusal(name.dotted, name.offset, self._member)
                case Verdict.BY_VALUE:
                    self._report.only_by_value(name.dotted, name.offset)
        self._findings.has_kept = self._findings.has_kept or verdict is Verdict.FUNCTION
        return Named(
            name.module,
            name.qualname,
            name.offset,
            conditional=verdict in CONDITIONAL or verdict is Verdict.REFUSED,
            kept=verdict is Verdict.FUNCTION,
        )

    def extension(self, offset: int) -> None:
        """See Visitor."""
        self._report.refuse("copyreg extension", offset, "what it stands for is not in the file")

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

    def called(self, call: Call, offset: int) -> Value:
        """See Visitor."""
        self._findings.facts.called(call)
        match call.maker:
            case Named() as name:
                return self._call_name(name, call, offset)
            case Call(by_value=True):
                return self._made_by_value(call, offset)
            case _:
                self._report.refuse(described(call.maker), offset, "the result of a call is called")
                return call

    def _call_name(self, name: Named, call: Call, offset: int) -> Value:
        verdict = self._policy.judge(name.module, name.qualname)
        if verdict in UNKNOWN:
            if verdict is Verdict.REFUSED:
                self._report.refuse(name.dotted, name.offset)
            call.fresh = True  # not checked further
            return call
        if verdict is Verdict.BY_VALUE:
            return self._made_by_value(call, offset)
        if self._policy.trusts(name.dotted):
            call.fresh = True
            return call
        if name.dotted in _allowed.COPYREG:
            return self._reconstruct(name, call, offset)
        if name.dotted in _allowed.UFUNC or name.dotted in _allowed.GETATTR:
            fetched = self._resolve_attribute(name, call.arguments, offset)
            if fetched is not None:
                return fetched
            call.kept = name
            self._findings.has_kept = True
        self._check_arguments(name, call, offset)
        place = _allowed.STATE_OF.get(name.dotted)
        if place is not None:
            self._states.check(call, call.arguments[place] if len(call.arguments) > place else OPAQUE, offset)
        match verdict:
            case Verdict.CONDITIONAL:
                self._check_call(name, call, offset)
                return call
            case Verdict.TEXTS:
                self._texts.check_call(name, call, offset)
            case Verdict.BARE if not call.bare:
                self._report.refuse(name.dotted, offset, "called while it loads")
            case Verdict.FUNCTION:
                self._report.refuse(name.dotted, offset, "called while it loads")
        call.fresh = verdict is not Verdict.FUNCTION
        if name.dotted in _allowed.PARTIAL:
            call.kept = kept_in(call.arguments)
        elif verdict is Verdict.BARE:
            # What the file writes into its attributes, its methods may open, import or call: a call that is
            # given the instance could iterate, index or call it.
            call.kept = name
            self._findings.has_kept = True
        return call

    def _reconstruct(self, name: Named, call: Call, offset: int) -> Value:
        """The bare instance that a function of `copyreg` makes of its first argument."""
        arguments = call.arguments
        kind = arguments[0] if arguments else OPAQUE
        if isinstance(kind, Call) and kind.by_value:
            return self._made_by_value(Call(kind, arguments[1:], bare=True), offset)
        if not isinstance(kind, Named):
            self._report.refuse(described(kind), offset, "an instance is made of what is no class")
            return call
        # `_reconstructor` calls `__init__` of a base that is none of Python's own.
        bare = name.dotted != "copyreg._reconstructor" or is_name(arguments[1:2], _allowed.BASES)
        return self._call_name(kind, Call(kind, arguments[1:], call.keywords, bare=bare), offset)

    def _resolve_attribute(self, maker: Named, arguments: tuple[Value, ...], offset: int) -> Value | None:
        """Return the name for a pair of names: `getattr` of a name, or one of numpy's functions."""
        if len(arguments) != 2 or not isinstance(arguments[1], str):
            return None
        match arguments[0]:
            case str(module) if maker.dotted in _allowed.UFUNC:
                return self.named(Named(module, arguments[1], offset))
            case Named(module=module, qualname=qualname) if maker.dotted in _allowed.GETATTR:
                if f"{module}.{qualname}" in _allowed.BASES:
                    self._report.only_by_value(f"{module}.{qualname}.{arguments[1]}", offset)
                    return Call(maker, arguments, by_value=True)
                verdict = self._policy.judge(module, f"{qualname}.{arguments[1]}")
                if verdict not in UNKNOWN:
                    return self.named(Named(module, f"{qualname}.{arguments[1]}", offset))
        return None

    def _check_call(self, name: Named, call: Call, offset: int) -> None:
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
        self._report.refuse(name.dotted, offset, f"called with {reached}")

    def _torch_bytes(self, blob: Blob, offset: int) -> Value:
        """The object in bytes of torch's old layout."""
        # Before the storages stand five short pickles: the start of the bytes holds them, or this raises.
        visitor = Gate(self._policy, self._findings, member=self._member, torch=True)
        try:
            with stream_of(blob.start) as stream:
                return follow_legacy(stream, visitor)
        except (CutShortError, MalformedError):
            self._report.refuse(
                "torch.storage._load_from_bytes", offset, "called with bytes that torch did not write"
            )
            return OPAQUE

    # ------------------------------------------------------------------ code by value

    def _made_by_value(self, call: Call, offset: int) -> Call:
        """Return the result of code by value: any object. The code is listed, and checked at the end."""
        call.by_value = True
        called = call.maker
        if isinstance(called, Named) and called.dotted in _allowed.CODE_MAKERS:
            self._findings.makes_code = True
        if isinstance(called, Call) and isinstance(called.maker, Named):
            if called.maker.qualname == "_builtin_type" and called.arguments == ("CodeType",):
                self._report.carry(code_of(call.arguments), offset)
        elif isinstance(called, Named) and called.qualname in _allowed.CODE_OBJECT:
            self._report.carry(code_of(call.arguments), offset)
        elif isinstance(called, Named) and called.qualname in _allowed.IMPORTERS and call.arguments:
            self._report.imports(call.arguments[0], offset)
        return call

    # ------------------------------------------------------------------ arguments and containers

    def _check_arguments(self, name: Named, call: Call, offset: int) -> None:
        """Refuse a call whose arguments contain a name that the called function could call."""
        arguments = call.arguments
        if is_name(arguments[:1], _allowed.FIRST_OF.get(name.dotted, frozenset())):
            arguments = arguments[1:]
        if isinstance(call.keywords, Call):
            self._report.refuse(name.dotted, offset, "its keywords are the result of a call")
        library = _allowed.OF_CLASS.get(name.dotted)
        first = arguments[0] if arguments else OPAQUE
        if library and not (isinstance(first, Named) and first.dotted.startswith(library)):
            self._report.refuse(name.dotted, offset, f"it calls methods of {described(first)}")
        for value in (*arguments, call.keywords):
            is_factory = name.dotted == "collections.defaultdict" and value is first
            self._check_stored(value, offset)
            if isinstance(value, Pairs):
                # A class may take them for the attributes of what it makes.
                self._states.check_attributes(call, value.values, offset)
            elif isinstance(value, Items | tuple):
                self._check_items(name, call, value, offset)
            elif name.dotted in _allowed.DICTS and not (is_factory or _is_readable(value)):
                self._report.refuse(
                    name.dotted, offset, f"it is filled with {described(value)}, which cannot be read"
                )
            if name.dotted not in _allowed.PARTIAL | _allowed.TAKING_NAMES | _allowed.GETATTR:
                self._check_given(name, value, offset)

    def _check_given(self, name: Named, value: Value, offset: int) -> None:
        """Refuse an argument that is, or contains, an object that must not be called while the file loads."""
        for part in parts_of(value) if self._findings.has_kept else ():
            self._looked_at += 1
            if self._looked_at > MOST_LOOKED_AT:
                raise MalformedError(offset, "more arguments of calls than a model has")
            if kept := kept_in(part):
                self._report.refuse(kept.dotted, offset, f"given to {name.dotted} while it loads")
                return

    def _check_items(self, name: Named, call: Call, values: Items | tuple[Value, ...], offset: int) -> None:
        """Check pairs that a call may take for the items of a dict, or for attributes."""
        items = list(values) if isinstance(values, tuple) else values.values
        pairs = [_items_of(each) for each in items]
        key_values = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
        for key, value in key_values:
            self._texts.note(key, value, offset)
        if name.dotted in _allowed.DICTS:
            whole = isinstance(values, tuple) or values.whole
            if len(key_values) < len(items) or not whole:
                self._report.refuse(name.dotted, offset, "it is filled with what cannot be read")
            self._states.check_attributes(call, key_values, offset)

    def _check_stored(self, value: Value, offset: int) -> None:
        conditional = conditional_in(value)
        if conditional is not None:
            # Code by value keeps such names as its globals; where that may run, so may they.
            self._report.only_by_value(conditional.dotted, offset, "kept as a value, not called")

    def add_items(self, target: Value, values: list[Value], offset: int) -> None:
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
            self._texts.note(key, value, offset)
        if isinstance(target, Pairs):
            if target.closed:
                self._report.refuse("a dict", offset, "it is the state of an instance and changed afterwards")
        else:
            self._require_own(target, offset, "items are set in what is no container of the file's own")
            if not (isinstance(target, Call) and target.by_value):
                self._states.check_attributes(target, list(zip(keys, values, strict=False)), offset)

    def _require_own(self, target: Value, offset: int, reason: str) -> None:
        """Refuse unless `target` is an object that this file made, with the methods of its class."""
        if not isinstance(target, Call) or not (target.fresh or target.by_value):
            self._report.refuse(described(target), offset, reason)
        elif target.replaces and not target.by_value:
            self._report.refuse(described(target), offset, f"its method '{target.replaces}' is replaced")

    # ------------------------------------------------------------------ states

    def built(self, instance: Value, state: Value, offset: int, stream: Stream) -> Value:
        """See Visitor."""
        self._findings.facts.built(instance, state)
        self._check_stored(state, offset)
        if not isinstance(instance, Call) or not (instance.fresh or instance.by_value):
            self._report.refuse(
                described(instance), offset, "a state is set on what is no instance of the file's own"
            )
            return instance
        if not instance.by_value:
            self._states.check(instance, state, offset)
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

    def _array(self, wrapper: Call, offset: int, stream: Stream) -> Value:
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
        self._texts.finish()


def _items_of(value: Value) -> list[Value]:
    """What a list or tuple holds; nothing for any other value."""
    if isinstance(value, tuple):
        return list(value)
    return value.values if isinstance(value, Items) and value.whole else []


def _is_readable(value: Value) -> bool:
    """Whether a dict that is built from the value has only checked content: names of classes, dicts."""
    if isinstance(value, Call):
        return value.by_value or is_name((value.maker,), _allowed.DICTS)
    return isinstance(value, Named) or is_plain(value)
