"""What stands on the stack while a pickle is followed without being run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

KEPT_ITEMS = 8192
"""Items of a container that are remembered; what decides anything is far shorter."""


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


@dataclass(slots=True)
class Items:
    """A list, set or frozenset."""

    values: list[Value] = field(default_factory=list)
    whole: bool = True

    def extend(self, values: list[Value]) -> None:
        room = KEPT_ITEMS - len(self.values)
        self.whole = self.whole and len(values) <= room
        self.values.extend(values[:room])


@dataclass(slots=True)
class Pairs:
    """A dict."""

    values: list[tuple[Value, Value]] = field(default_factory=list)
    whole: bool = True
    evaluated: bool = False
    """Whether texts in it are evaluated as annotations, also those that are added later."""

    def extend(self, values: list[Value]) -> None:
        room = KEPT_ITEMS - len(self.values)
        pairs = list(zip(values[::2], values[1::2], strict=True))
        self.whole = self.whole and len(pairs) <= room
        self.values.extend(pairs[:room])

    def get(self, key: str) -> Value:
        """The last value that was set for `key`; OPAQUE if none was."""
        return next((value for name, value in reversed(self.values) if name == key), OPAQUE)

    def keys(self) -> list[Value]:
        return [key for key, _ in self.values]


@dataclass(slots=True, eq=False)
class Made:
    """What a call gives: an instance of a class, or the result of a function."""

    maker: Value
    arguments: tuple[Value, ...]
    keywords: Value = None
    bare: bool = False
    """Whether only `__new__` runs, as NEWOBJ does, and no `__init__`."""
    state: Value = None
    content: Pairs | None = None
    """What was set on it item by item, as on an OrderedDict."""

    def root(self) -> Named | None:
        """The name at the bottom of the calls that made it."""
        maker: Value = self.maker
        while isinstance(maker, Made):
            maker = maker.maker
        return maker if isinstance(maker, Named) else None


Plain: TypeAlias = "str | int | float | bool | None"
Value: TypeAlias = "Opaque | Mark | Named | Blob | Items | Pairs | Made | tuple[Value, ...] | Plain"
