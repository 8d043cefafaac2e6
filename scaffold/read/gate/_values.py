"""What stands on the stack while a pickle is followed without being run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

KEPT_ITEMS = 8192
"""The most items of a container that are kept; containers that affect a verdict are far shorter."""
MOST_NESTED = 10_000
"""Values in a tuple, nested tuples unfolded: Python unfolds them to hash the tuple."""


class Opaque:
    """A value that nothing depends on: a long text, a stored tensor, an array."""

    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE: Final = Opaque()


class Mark:
    """The object that MARK pushes."""


MARK: Final = Mark()


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for: found by importing `module` and walking `qualname`."""

    module: str
    qualname: str
    offset: int
    conditional: bool = False
    """Whether the name is only allowed in a call at once: a stored one could be called with any arguments."""
    kept: bool = False
    """Whether the name is a function that a model keeps, and that nothing calls while the file loads."""

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.qualname}" if self.qualname else self.module


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, and where they lie in the stream. Of long ones only the start is kept."""

    offset: int
    size: int
    start: bytes

    @property
    def whole(self) -> bool:
        return len(self.start) == self.size


class Group(tuple):  # type: ignore[type-arg]
    """A tuple that holds tuples or names, with a summary of its content: no check has to walk through it."""

    size: int
    conditional: Named | None
    kept: Named | None


def group(values: Iterable[Value]) -> tuple[Value, ...]:
    """Make a tuple of values."""
    plain = tuple(values)
    if not any(isinstance(value, tuple | Named | Call) for value in plain):
        return plain
    nested = Group(plain)
    nested.size = min(sum(_size(value) for value in plain), MOST_NESTED + 1)
    nested.conditional = next((name for value in plain if (name := conditional_in(value))), None)
    nested.kept = next((name for value in plain if (name := kept_in(value))), None)
    return nested


def _size(value: Value) -> int:
    if isinstance(value, Group):
        return value.size + 1
    return len(value) + 1 if isinstance(value, tuple) else 1


def is_deep(value: Value) -> bool:
    """Whether a tuple unfolds to more values than any key of a dict needs."""
    return _size(value) > MOST_NESTED


def conditional_in(value: Value) -> Named | None:
    """The first name in a value, or in its tuples, that may only be called at once."""
    if isinstance(value, Named):
        return value if value.conditional else None
    return value.conditional if isinstance(value, Group) else None


def kept_in(value: Value) -> Named | None:
    """The first name in a value, through tuples and `partial`, that nothing may call while the file loads."""
    if isinstance(value, Named):
        return value if value.kept else None
    if isinstance(value, Call):
        return value.kept
    return value.kept if isinstance(value, Group) else None


def is_plain(value: Value) -> bool:
    """Whether a value can neither be called nor describe memory."""
    return value is None or isinstance(value, bool | int | float | str)


def parts_of(value: Value) -> Iterator[Value]:
    """A value and what it holds, through containers and through the arguments and states of objects."""
    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        match each:
            case Items(values=inner, more=more):
                waiting += [*inner, *more]
            case Pairs(values=pairs, more=more):
                waiting += [*(part for pair in pairs for part in pair), *more]
            case Group():
                waiting += each
            case Call(by_value=False):
                waiting += [each.maker, *each.arguments, each.keywords, each.state, each.content]


@dataclass(slots=True)
class Items:
    """A list, set or frozenset."""

    values: list[Value] = field(default_factory=list)
    whole: bool = True
    more: list[Value] = field(default_factory=list)
    """What can hold a function, of the items that are not remembered."""

    def extend(self, values: list[Value]) -> None:
        room = KEPT_ITEMS - len(self.values)
        self.whole = self.whole and len(values) <= room
        self.values.extend(values[:room])
        self.more.extend(value for value in values[room:] if isinstance(value, _HOLDING))


@dataclass(slots=True)
class Pairs:
    """A dict."""

    values: list[tuple[Value, Value]] = field(default_factory=list)
    whole: bool = True
    closed: bool = False
    """Whether the container is already the state of an instance: later items would not be checked."""
    more: list[Value] = field(default_factory=list)
    """What can hold a function, of the keys and values that are not remembered."""

    def extend(self, values: list[Value]) -> None:
        room = KEPT_ITEMS - len(self.values)
        pairs = list(zip(values[::2], values[1::2], strict=True))
        self.whole = self.whole and len(pairs) <= room
        self.values.extend(pairs[:room])
        self.more.extend(value for value in values[2 * room :] if isinstance(value, _HOLDING))

    def get(self, key: str) -> Value:
        """The last value that was set for `key`; OPAQUE if none was."""
        for name, value in reversed(self.values):
            if isinstance(name, str) and name == key:
                return value
        return OPAQUE

    def keys(self) -> list[Value]:
        return [key for key, _ in self.values]


@dataclass(slots=True, eq=False)
class Call:
    """A call in the pickle. Represents its result: an instance, or what a function returns."""

    maker: Value
    arguments: tuple[Value, ...]
    keywords: Value = None
    bare: bool = False
    """Whether only `__new__` runs, as NEWOBJ does, and no `__init__`."""
    state: Value = None
    content: Pairs | None = None
    """The items that were set after the call, as on an OrderedDict."""
    fresh: bool = False
    """Whether the call makes a new object: the result of a function may be one that others hold too."""
    by_value: bool = False
    """Whether the result consists of code that the file carries."""
    kept: Named | None = None
    """The function that the result would call."""
    replaces: str = ""
    """The name of the method, one that adds items, which an attribute of the instance hides."""

    def root(self) -> Named | None:
        """The name at the start of a chain of calls."""
        maker: Value = self.maker
        while isinstance(maker, Call):
            maker = maker.maker
        return maker if isinstance(maker, Named) else None


_HOLDING = (Named, Call, Group, Items, Pairs)
Plain: TypeAlias = "str | int | float | bool | None"
Value: TypeAlias = "Opaque | Mark | Named | Blob | Items | Pairs | Call | tuple[Value, ...] | Plain"
