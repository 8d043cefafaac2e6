"""Follow the opcodes of a pickle without importing or calling anything.

The stack and the memo are those of the real machine, with stand-ins for objects, so a name that is put
together from memoised strings is seen as it will be looked up. What a name or a call is worth is not decided
here: each is handed to the `Witness` the moment it is met.

Source: the module `pickle` of the standard library, whose `_Unpickler` this follows opcode by opcode.
"""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import Protocol

from scaffold.base.unpickle import python3_name
from scaffold.read._streams import GarbledError, Stream
from scaffold.read.gate._values import MARK, OPAQUE, Blob, Items, Made, Mark, Named, Pairs, Value, group

KEPT_TEXT_BYTES = 1 << 16
KEPT_BLOB_BYTES = 1 << 16
MOST_OBJECTS = 30_000_000
_MOST_SKIPPED = 1 << 16
_UNKNOWN_NAME = "?"


class Witness(Protocol):
    """Hears what a pickle does, in order."""

    def named(self, name: Named) -> Named:
        """A name is looked up. Returns it with what may be done with it."""

    def called(self, call: Made, offset: int) -> Value:
        """Something is called. Returns what stands for the result."""

    def built(self, instance: Value, state: Value, offset: int, stream: Stream) -> Value:
        """A state is set on an instance. Returns what stands for it then."""

    def put(self, target: Value, values: list[Value], offset: int) -> None:
        """Values are put into a list or set, or into an instance by its own method."""

    def set(self, target: Value, keys: list[Value], values: list[Value], offset: int) -> None:
        """Values are set for keys in a dict, or in an instance by its own method."""

    def persistent(self, key: Value, offset: int) -> Value:
        """An object is asked for that lies outside the pickle. Returns what stands for it."""

    def extension(self, offset: int) -> None:
        """A name is taken from the registry of extensions."""


def follow(stream: Stream, witness: Witness) -> Value:
    """Follow one pickle up to its STOP and return what stands for its object.

    Raises:
        CutShortError: The stream ends before STOP.
        GarbledError: It is no pickle, or one that the real machine would refuse.
    """
    return _Machine(stream, witness).run()


class _Machine:
    def __init__(self, stream: Stream, witness: Witness) -> None:
        self.stream = stream
        self.witness = witness
        self.stack: list[Value] = []
        self.memo: dict[int, Value] = {}
        self.protocol = 0
        self.offset = 0

    def run(self) -> Value:
        read = self.stream.read
        while True:
            self.offset = self.stream.position
            opcode = read(1)
            operation = _OPERATIONS.get(opcode)
            if operation is None and opcode != pickle.STOP:
                raise GarbledError(self.offset, f"byte 0x{opcode[0]:02x}, which is no opcode")
            try:
                if operation is None:
                    return self.stop()
                operation(self)
            except (IndexError, KeyError, ValueError, struct.error) as error:
                raise GarbledError(self.offset, f"an opcode that does not fit ({error})") from error
            if len(self.stack) + len(self.memo) > MOST_OBJECTS:
                raise GarbledError(self.offset, f"more than {MOST_OBJECTS} objects")

    def stop(self) -> Value:
        # A loader that has read the whole frame would go on behind it, and not behind the STOP.
        if self.stream.position < self.stream.frame_end:
            raise GarbledError(self.offset, "an end in the middle of a frame")
        return self.pop()

    # ------------------------------------------------------------------ the stack

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def pop(self) -> Value:
        value = self.stack.pop()
        if isinstance(value, Mark):
            raise GarbledError(self.offset, "a mark where an object belongs")
        return value

    def pop_to_mark(self) -> list[Value]:
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] is MARK:
                items = self.stack[depth + 1 :]
                del self.stack[depth:]
                return items
        raise GarbledError(self.offset, "no mark on the stack")

    def top(self) -> Value:
        value = self.stack[-1]
        if isinstance(value, Mark):
            raise GarbledError(self.offset, "a mark where an object belongs")
        return value

    # ------------------------------------------------------------------ arguments

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.stream.read(struct.calcsize(layout)))[0]
        if value < 0:
            raise GarbledError(self.offset, "a negative length")
        return value

    def text(self, size: int) -> Value:
        if size > KEPT_TEXT_BYTES:
            self.stream.skip(size)
            return OPAQUE
        return self.stream.read(size).decode("utf-8", "surrogatepass")

    def old_text(self, data: bytes) -> str:
        return data.decode("latin-1")

    def blob(self, size: int) -> Blob:
        offset = self.stream.position
        start = self.stream.read(min(size, KEPT_BLOB_BYTES))
        self.stream.skip(size - len(start))
        return Blob(offset, size, start)

    def long(self, size: int) -> Value:
        if size > KEPT_TEXT_BYTES:
            self.stream.skip(size)
            return OPAQUE
        return int.from_bytes(self.stream.read(size), "little", signed=True)

    def quoted(self) -> Value:
        line = self.stream.line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b'"', b"'"):
            raise GarbledError(self.offset, "a text without quotes")
        return self.old_text(codecs.escape_decode(line[1:-1])[0])

    # ------------------------------------------------------------------ names and calls

    def name(self, module: Value, qualname: Value) -> None:
        if not isinstance(module, str) or not isinstance(qualname, str):
            module, qualname = _UNKNOWN_NAME, _UNKNOWN_NAME
        if self.protocol < 3:
            module, qualname = python3_name(module, qualname)
        self.push(self.witness.named(Named(module, qualname, self.offset)))

    def call(self, maker: Value, arguments: Value, keywords: Value = None, *, bare: bool = False) -> None:
        known = arguments if isinstance(arguments, tuple) else (OPAQUE,)
        self.push(self.witness.called(Made(maker, known, keywords, bare=bare), self.offset))

    def add(self, target: Value, values: list[Value]) -> None:
        self.witness.put(target, values, self.offset)
        if isinstance(target, Items):
            target.extend(values)

    def set(self, target: Value, values: list[Value]) -> None:
        self.witness.set(target, values[::2], values[1::2], self.offset)
        if isinstance(target, Made):
            target.content = target.content or Pairs()
            target.content.extend(values)
        elif isinstance(target, Pairs):
            target.extend(values)

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise GarbledError(self.offset, f"memo entry {index}, which was never made")
        self.push(self.memo[index])

    def build(self) -> None:
        state = self.pop()
        instance = self.pop()
        self.push(self.witness.built(instance, state, self.offset, self.stream))


# --------------------------------------------------------------------------- one function per opcode


def _proto(m: _Machine) -> None:
    m.protocol = m.stream.read(1)[0]
    if m.protocol > pickle.HIGHEST_PROTOCOL:
        raise GarbledError(m.offset, f"pickle protocol {m.protocol}")


def _frame(m: _Machine) -> None:
    m.stream.frame_end = max(m.stream.frame_end, m.number("<Q") + m.stream.position)


def _int(m: _Machine) -> None:
    line = m.stream.line()
    m.push({b"00": False, b"01": True}.get(line) if line in (b"00", b"01") else int(line, 0))


def _long(m: _Machine) -> None:
    line = m.stream.line().rstrip(b"L")
    m.push(int(line, 0) if len(line) < 4000 else OPAQUE)


def _float(m: _Machine) -> None:
    m.push(float(m.stream.line()))


def _dict(m: _Machine) -> None:
    pairs = Pairs()
    m.set(pairs, m.pop_to_mark())
    m.push(pairs)


def _list(m: _Machine) -> None:
    items = Items()
    m.add(items, m.pop_to_mark())
    m.push(items)


def _tuple(m: _Machine, count: int) -> None:
    items = [m.pop() for _ in range(count)]
    m.push(group(reversed(items)))


def _append(m: _Machine) -> None:
    value = m.pop()
    m.add(m.top(), [value])


def _appends(m: _Machine) -> None:
    values = m.pop_to_mark()
    m.add(m.top(), values)


def _setitem(m: _Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set(m.top(), [key, value])


def _setitems(m: _Machine) -> None:
    values = m.pop_to_mark()
    m.set(m.top(), values)


def _put(m: _Machine, index: int) -> None:
    # The real machine keeps an array as long as the largest index.
    if index > len(m.memo) + _MOST_SKIPPED:
        raise GarbledError(m.offset, f"memo entry {index}, far beyond the last")
    m.memo[index] = m.top()


def _global(m: _Machine) -> None:
    module = m.stream.line().decode("utf-8")
    m.name(module, m.stream.line().decode("utf-8"))


def _stack_global(m: _Machine) -> None:
    qualname, module = m.pop(), m.pop()
    m.name(module, qualname)


def _inst(m: _Machine) -> None:
    _global(m)
    maker = m.pop()
    m.call(maker, group(m.pop_to_mark()))


def _obj(m: _Machine) -> None:
    values = m.pop_to_mark()
    m.call(values[0], group(values[1:]))


def _reduce(m: _Machine) -> None:
    arguments, maker = m.pop(), m.pop()
    m.call(maker, arguments)


def _newobj(m: _Machine) -> None:
    arguments, maker = m.pop(), m.pop()
    m.call(maker, arguments, bare=True)


def _newobj_ex(m: _Machine) -> None:
    keywords, arguments, maker = m.pop(), m.pop(), m.pop()
    m.call(maker, arguments, keywords, bare=True)


def _extension(m: _Machine, size: int) -> None:
    m.stream.skip(size)
    m.witness.extension(m.offset)
    m.push(OPAQUE)


def _persid(m: _Machine) -> None:
    m.push(m.witness.persistent(m.stream.line().decode("latin-1"), m.offset))


def _binpersid(m: _Machine) -> None:
    m.push(m.witness.persistent(m.pop(), m.offset))


def _pop(m: _Machine) -> None:
    m.stack.pop()


def _frozen(m: _Machine) -> None:
    items = Items()
    m.add(items, m.pop_to_mark())
    m.push(items)


def _buffer(m: _Machine) -> None:
    raise GarbledError(m.offset, "a buffer that lies outside the file")


_OPERATIONS: dict[bytes, Callable[[_Machine], object]] = {
    pickle.PROTO: _proto,
    pickle.FRAME: _frame,
    pickle.MARK: lambda m: m.push(MARK),
    pickle.POP: _pop,
    pickle.POP_MARK: lambda m: m.pop_to_mark(),
    pickle.DUP: lambda m: m.push(m.top()),
    pickle.NONE: lambda m: m.push(None),
    pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.INT: _int,
    pickle.LONG: _long,
    pickle.FLOAT: _float,
    pickle.BININT: lambda m: m.push(struct.unpack("<i", m.stream.read(4))[0]),
    pickle.BININT1: lambda m: m.push(m.number("<B")),
    pickle.BININT2: lambda m: m.push(m.number("<H")),
    pickle.LONG1: lambda m: m.push(m.long(m.number("<B"))),
    pickle.LONG4: lambda m: m.push(m.long(m.number("<i"))),
    pickle.BINFLOAT: lambda m: m.push(struct.unpack(">d", m.stream.read(8))[0]),
    pickle.STRING: lambda m: m.push(m.quoted()),
    pickle.BINSTRING: lambda m: m.push(_as_text(m, m.number("<i"))),
    pickle.SHORT_BINSTRING: lambda m: m.push(_as_text(m, m.number("<B"))),
    pickle.UNICODE: lambda m: m.push(m.stream.line().decode("raw-unicode-escape")),
    pickle.BINUNICODE: lambda m: m.push(m.text(m.number("<I"))),
    pickle.SHORT_BINUNICODE: lambda m: m.push(m.text(m.number("<B"))),
    pickle.BINUNICODE8: lambda m: m.push(m.text(m.number("<Q"))),
    pickle.BINBYTES: lambda m: m.push(m.blob(m.number("<I"))),
    pickle.SHORT_BINBYTES: lambda m: m.push(m.blob(m.number("<B"))),
    pickle.BINBYTES8: lambda m: m.push(m.blob(m.number("<Q"))),
    pickle.BYTEARRAY8: lambda m: m.push(m.blob(m.number("<Q"))),
    pickle.NEXT_BUFFER: _buffer,
    pickle.READONLY_BUFFER: _buffer,
    pickle.EMPTY_LIST: lambda m: m.push(Items()),
    pickle.EMPTY_SET: lambda m: m.push(Items()),
    pickle.EMPTY_DICT: lambda m: m.push(Pairs()),
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.LIST: _list,
    pickle.DICT: _dict,
    pickle.TUPLE: lambda m: m.push(group(m.pop_to_mark())),
    pickle.TUPLE1: lambda m: _tuple(m, 1),
    pickle.TUPLE2: lambda m: _tuple(m, 2),
    pickle.TUPLE3: lambda m: _tuple(m, 3),
    pickle.FROZENSET: _frozen,
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.ADDITEMS: _appends,
    pickle.SETITEM: _setitem,
    pickle.SETITEMS: _setitems,
    pickle.GET: lambda m: m.get(int(m.stream.line())),
    pickle.BINGET: lambda m: m.get(m.number("<B")),
    pickle.LONG_BINGET: lambda m: m.get(m.number("<I")),
    pickle.PUT: lambda m: _put(m, int(m.stream.line())),
    pickle.BINPUT: lambda m: _put(m, m.number("<B")),
    pickle.LONG_BINPUT: lambda m: _put(m, m.number("<I")),
    pickle.MEMOIZE: lambda m: _put(m, len(m.memo)),
    pickle.GLOBAL: _global,
    pickle.STACK_GLOBAL: _stack_global,
    pickle.INST: _inst,
    pickle.OBJ: _obj,
    pickle.REDUCE: _reduce,
    pickle.NEWOBJ: _newobj,
    pickle.NEWOBJ_EX: _newobj_ex,
    pickle.BUILD: lambda m: m.build(),
    pickle.EXT1: lambda m: _extension(m, 1),
    pickle.EXT2: lambda m: _extension(m, 2),
    pickle.EXT4: lambda m: _extension(m, 4),
    pickle.PERSID: _persid,
    pickle.BINPERSID: _binpersid,
}


def _as_text(m: _Machine, size: int) -> Value:
    if size > KEPT_TEXT_BYTES:
        m.stream.skip(size)
        return OPAQUE
    return m.old_text(m.stream.read(size))
