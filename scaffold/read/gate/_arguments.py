"""Which arguments pass, of the names that are harmless only for certain arguments."""

from __future__ import annotations

import re
from collections.abc import Callable

from scaffold.read.gate import _allowed
from scaffold.read.gate._libraries import METHODS, METHODS_OF
from scaffold.read.gate._policy import UNKNOWN, Policy, Verdict
from scaffold.read.gate._values import Blob, Call, Items, Named, Opaque, Pairs, Value

_FRACTION = re.compile(r"-?\d{1,400}(/\d{1,400})?")
_TYPE_NAME = re.compile(r"[\w.]+")
_LITERAL = frozenset({"typing.Literal", "typing_extensions.Literal"})
_LOGGER = re.compile(r"[\w.-]{0,200}")
_MODULES_OF_TYPES = frozenset({"typing", "collections.abc", "builtins", "types", "datetime"})


class Checks:
    """The checks of calls, by the called name."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._checks: tuple[tuple[frozenset[str], Callable[[tuple[Value, ...]], bool]], ...] = (
            (_allowed.GETATTR, self._may_get),
            (_allowed.TORCH_CALL, self._may_rebuild),
            (_allowed.TORCH_STATE, lambda a: len(a) == 4 and _is_of_torch(a[0])),
            (_allowed.TYPE, lambda a: len(a) == 1 and (a[0] is None or isinstance(a[0], Opaque))),
            (_allowed.GETITEM, _is_type_expression),
            (_allowed.REDUCE, lambda a: is_name(a[:1], _allowed.GETITEM)),
            (_allowed.TEXT_OF_BYTES, _is_latin),
            (_allowed.FILLED, _is_bytes),
            (_allowed.RANGE, _is_short_range),
            (_allowed.FRACTION, _is_fraction),
            (_allowed.LOGGER, lambda a: not a or (len(a) == 1 and _is_text(a[0], _LOGGER))),
        )

    def pass_call(self, dotted: str, call: Call) -> bool:
        """Whether `dotted` is harmless with the arguments of `call`."""
        if isinstance(call.keywords, Pairs) and call.keywords.values:
            return False
        return any(dotted in names and check(call.arguments) for names, check in self._checks)

    def _may_get(self, arguments: tuple[Value, ...]) -> bool:
        """Whether `getattr` fetches an enumeration's member or a method of a model."""
        if len(arguments) != 2:
            return False
        owner, name = arguments
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("__"):
            return False
        if isinstance(owner, Named):
            allowed = self._policy.judge(owner.module, owner.qualname) not in UNKNOWN
            return allowed and self._policy.is_enum_member(owner.module, owner.qualname)
        if not isinstance(owner, Call) or not isinstance(owner.maker, Named) or not owner.fresh:
            return False
        kind = owner.maker
        own = METHODS_OF.get(kind.module.partition(".")[0])
        if own is not None:
            return name in METHODS | own
        return kind.module == "__main__" or self._policy.has_method(kind.module, kind.qualname, name)

    def _may_rebuild(self, arguments: tuple[Value, ...]) -> bool:
        """Whether the call makes a tensor: on what it makes, it sets a state."""
        target = arguments[0] if len(arguments) == 4 else None
        return (
            isinstance(target, Named)
            and target.dotted.startswith("torch._utils._rebuild_")
            and self._policy.judge(target.module, target.qualname) is Verdict.CLASS
        )


def is_name(values: tuple[Value, ...], names: frozenset[str]) -> bool:
    """Whether the first of `values` is one of these names."""
    return bool(values) and isinstance(values[0], Named) and values[0].dotted in names


def _is_of_torch(value: Value) -> bool:
    """Whether a function or class of torch made this."""
    maker = value.maker if isinstance(value, Call) else None
    return isinstance(maker, Named) and maker.module.startswith("torch.")


def is_typing(value: Value) -> bool:
    """Whether the value is a type, or a part of a type that `operator` composes."""
    for _ in range(20):
        if isinstance(value, Named):
            return value.module in _MODULES_OF_TYPES
        if not isinstance(value, Call):
            return False
        of_part = is_name((value.maker,), _allowed.GETITEM) and value.arguments
        value = value.arguments[0] if of_part else value.maker
    return False


def _is_type_expression(arguments: tuple[Value, ...]) -> bool:
    """Whether `operator` composes a type; its texts are names of types."""
    if len(arguments) != 2 or not is_typing(arguments[0]):
        return False
    parts = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1],)
    literal = is_name(arguments[:1], _LITERAL)
    return literal or all(not isinstance(part, str) or _TYPE_NAME.fullmatch(part) for part in parts)


def _is_text(value: Value, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_latin(arguments: tuple[Value, ...]) -> bool:
    """How protocols before 3 write bytes: as a text and `latin1`."""
    if len(arguments) != 2 or not isinstance(arguments[0], str | Opaque):
        return False
    return isinstance(arguments[1], str) and arguments[1] in ("latin1", "latin-1")


def _is_bytes(arguments: tuple[Value, ...]) -> bool:
    if len(arguments) == 2:
        return _is_latin(arguments)
    is_call = bool(arguments) and isinstance(arguments[0], Call)
    encoded = is_call and is_name((arguments[0].maker,), _allowed.TEXT_OF_BYTES)  # type: ignore[union-attr]
    return not arguments or (len(arguments) == 1 and (isinstance(arguments[0], Blob) or encoded))


def _is_short_range(arguments: tuple[Value, ...]) -> bool:
    bounds = [bound for bound in arguments if isinstance(bound, int)]
    if len(bounds) != len(arguments) or not 1 <= len(bounds) <= 3 or (len(bounds) == 3 and not bounds[2]):
        return False
    whole = range(*bounds)
    step = abs(whole.step)
    return abs(whole.stop - whole.start) // step <= _allowed.MOST_FILLED


def _is_fraction(arguments: tuple[Value, ...]) -> bool:
    if len(arguments) == 1:
        return _is_text(arguments[0], _FRACTION) or isinstance(arguments[0], int)
    return len(arguments) == 2 and all(isinstance(value, int) for value in arguments)


def described(value: Value) -> str:
    """What a value is, for a message."""
    match value:
        case Named():
            return value.dotted
        case Call():
            root = value.root()
            return f"{root.dotted}(...)" if root else "the result of a call"
        case str():
            return repr(value) if len(value) < 60 else "a text"
        case Items():
            return "a list"
        case Pairs():
            return "a dict"
        case Blob():
            return f"{value.size} bytes"
        case int() if abs(value) > 1 << 64:
            return "a huge number"
        case None | bool() | int() | float():
            return repr(value)
        case _:
            return "a value"


def dotted_in(text: str) -> str:
    """The dotted name at the start of a described text; the whole text if it starts with none."""
    match = re.match(r"[A-Za-z_][\w.]*", text)
    return match[0] if match else text
