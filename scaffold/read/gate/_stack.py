"""The machine that runs a pickle: its stack, its memo, and how its arguments are read.

Source: the module `pickle` of the standard library, whose `_Unpickler` this follows opcode by opcode.
"""

from __future__ import annotations

import codecs
import struct
from typing import Protocol

from scaffold.base.unpickle import python3_name
from scaffold.read._streams import MalformedError, Stream
from scaffold.read.gate._values import MARK, OPAQUE, Blob, Call, Items, Mark, Named, Pairs, Value

KEPT_TEXT_BYTES = 1 << 16
KEPT_BLOB_BYTES = 1 << 16
_UNKNOWN_NAME = "?"


class Visitor(Protocol):
    """Is called for each thing that a pickle does, in order."""

    def named(self, name: Named) -> Named:
        """Called when a name is looked up. Returns the name with its permissions."""

    def called(self, call: Call, offset: int) -> Value:
        """Called for each call. Returns the value that represents the result."""

    def built(self, instance: Value, state: Value, offset: int, stream: Stream) -> Value:
        """Called when a state is set on an instance. Returns the value that represents the instance."""

    def add_items(self, target: Value, values: list[Value], offset: int) -> None:
        """Called when values are added to a list or set, or to an instance by its own method."""

    def set(self, target: Value, keys: list[Value], values: list[Value], offset: int) -> None:
        """Values are set for keys in a dict, or in an instance by its own method."""

    def persistent(self, key: Value, offset: int) -> Value:
        """Called for a persistent id: an object outside the pickle. Returns the value that represents it."""

    def extension(self, offset: int) -> None:
        """A name is taken from the registry of extensions."""


class Machine:
    """The pickle machine with stand-ins for objects; each name and call goes to its visitor."""

    def __init__(self, stream: Stream, visitor: Visitor) -> None:
        self.stream = stream
        self.visitor = visitor
        self.stack: list[Value] = []
        self.memo: dict[int, Value] = {}
        self.protocol = 0
        self.offset = 0

    # ------------------------------------------------------------------ the stack

    def push(self, value: Value) -> None:
        """Put an object on the stack."""
        self.stack.append(value)

    def pop(self) -> Value:
        """Take the topmost object off the stack."""
        value = self.stack.pop()
        if isinstance(value, Mark):
            raise MalformedError(self.offset, "a mark where an object belongs")
        return value

    def pop_to_mark(self) -> list[Value]:
        """Pop the last mark and all values above the mark from the stack."""
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] is MARK:
                items = self.stack[depth + 1 :]
                del self.stack[depth:]
                return items
        raise MalformedError(self.offset, "no mark on the stack")

    def top(self) -> Value:
        """Return the topmost object, which stays."""
        value = self.stack[-1]
        if isinstance(value, Mark):
            raise MalformedError(self.offset, "a mark where an object belongs")
        return value

    # ------------------------------------------------------------------ arguments

    def number(self, layout: str) -> int:
        """Read a length or an index that is packed as `struct` says."""
        value: int = struct.unpack(layout, self.stream.read(struct.calcsize(layout)))[0]
        if value < 0:
            raise MalformedError(self.offset, "a negative length")
        return value

    def text(self, size: int) -> Value:
        """Read UTF-8 text of this length in bytes; a long text is not kept."""
        if size > KEPT_TEXT_BYTES:
            self.stream.skip(size)
            return OPAQUE
        return self.stream.read(size).decode("utf-8", "surrogatepass")

    def old_text(self, data: bytes) -> str:
        """Return text of Python 2."""
        return data.decode("latin-1")

    def blob(self, size: int) -> Blob:
        """Read so many bytes; of many, the first are kept."""
        offset = self.stream.position
        start = self.stream.read(min(size, KEPT_BLOB_BYTES))
        self.stream.skip(size - len(start))
        return Blob(offset, size, start)

    def long(self, size: int) -> Value:
        """Read an integer of this length in bytes; a long integer is not kept."""
        if size > KEPT_TEXT_BYTES:
            self.stream.skip(size)
            return OPAQUE
        return int.from_bytes(self.stream.read(size), "little", signed=True)

    def quoted(self) -> Value:
        """Read a line with a text between quotes."""
        line = self.stream.line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b'"', b"'"):
            raise MalformedError(self.offset, "a text without quotes")
        return self.old_text(codecs.escape_decode(line[1:-1])[0])

    # ------------------------------------------------------------------ names and calls

    def name(self, module: Value, qualname: Value) -> None:
        """Look a name up: the visitor returns the value that represents the object."""
        if not isinstance(module, str) or not isinstance(qualname, str):
            module, qualname = _UNKNOWN_NAME, _UNKNOWN_NAME
        if self.protocol < 3:
            module, qualname = python3_name(module, qualname)
        self.push(self.visitor.named(Named(module, qualname, self.offset)))

    def call(self, maker: Value, arguments: Value, keywords: Value = None, *, bare: bool = False) -> None:
        """Call an object: the visitor returns the value that represents the result."""
        if not isinstance(arguments, tuple):
            raise MalformedError(self.offset, "arguments that are no tuple")
        self.push(self.visitor.called(Call(maker, arguments, keywords, bare=bare), self.offset))

    def add(self, target: Value, values: list[Value]) -> None:
        """Add values to a list, a set, or an object."""
        self.visitor.add_items(target, values, self.offset)
        if isinstance(target, Items):
            target.extend(values)

    def set(self, target: Value, values: list[Value]) -> None:
        """Set values, each after its key, in a dict or an object."""
        self.visitor.set(target, values[::2], values[1::2], self.offset)
        if isinstance(target, Call):
            target.content = target.content or Pairs()
            target.content.extend(values)
        elif isinstance(target, Pairs):
            target.extend(values)

    def get(self, index: int) -> None:
        """Push an entry of the memo."""
        if index not in self.memo:
            raise MalformedError(self.offset, f"memo entry {index}, which was never made")
        self.push(self.memo[index])

    def build(self) -> None:
        """Set a state on an object."""
        state = self.pop()
        instance = self.pop()
        self.push(self.visitor.built(instance, state, self.offset, self.stream))
