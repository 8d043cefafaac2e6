"""Follow the opcodes of a pickle without importing or calling anything.

The stack and the memo are those of the real machine, with stand-ins for objects, so a name that is put
together from memoised strings is seen as it will be looked up. What a name or a call is worth is not decided
here: each is handed to the `Visitor` the moment it is met.

Source: the module `pickle` of the standard library, whose `_Unpickler` this follows opcode by opcode.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable

from scaffold.read._streams import MalformedError, Stream
from scaffold.read.gate._stack import KEPT_TEXT_BYTES, Machine, Visitor
from scaffold.read.gate._values import MARK, OPAQUE, Items, Pairs, Value, group

MOST_OBJECTS = 30_000_000
_MOST_SKIPPED = 1 << 16


def follow(stream: Stream, visitor: Visitor) -> Value:
    """Follow one pickle up to its STOP and return what stands for its object.

    Raises:
        CutShortError: The stream ends before STOP.
        MalformedError: It is no pickle, or one that the real machine would refuse.
    """
    machine = Machine(stream, visitor)
    read = stream.read
    while True:
        machine.offset = stream.position
        opcode = read(1)
        operation = _OPERATIONS.get(opcode)
        if operation is None and opcode != pickle.STOP:
            raise MalformedError(machine.offset, f"byte 0x{opcode[0]:02x}, which is no opcode")
        try:
            if operation is None:
                return _stop(machine)
            operation(machine)
        except (IndexError, KeyError, ValueError, struct.error) as error:
            raise MalformedError(machine.offset, f"an opcode that does not fit ({error})") from error
        if len(machine.stack) + len(machine.memo) > MOST_OBJECTS:
            raise MalformedError(machine.offset, f"more than {MOST_OBJECTS} objects")


def _stop(m: Machine) -> Value:
    # A loader that has read the whole frame would go on behind it, and not behind the STOP.
    if m.stream.position < m.stream.frame_end:
        raise MalformedError(m.offset, "an end in the middle of a frame")
    return m.pop()


# --------------------------------------------------------------------------- one function per opcode


def _proto(m: Machine) -> None:
    m.protocol = m.stream.read(1)[0]
    if m.protocol > pickle.HIGHEST_PROTOCOL:
        raise MalformedError(m.offset, f"pickle protocol {m.protocol}")


def _frame(m: Machine) -> None:
    m.stream.frame_end = max(m.stream.frame_end, m.number("<Q") + m.stream.position)


def _int(m: Machine) -> None:
    line = m.stream.line()
    m.push({b"00": False, b"01": True}.get(line) if line in (b"00", b"01") else int(line, 0))


def _long(m: Machine) -> None:
    line = m.stream.line().rstrip(b"L")
    m.push(int(line, 0) if len(line) < 4000 else OPAQUE)


def _float(m: Machine) -> None:
    m.push(float(m.stream.line()))


def _dict(m: Machine) -> None:
    pairs = Pairs()
    m.set(pairs, m.pop_to_mark())
    m.push(pairs)


def _list(m: Machine) -> None:
    items = Items()
    m.add(items, m.pop_to_mark())
    m.push(items)


def _tuple(m: Machine, count: int) -> None:
    items = [m.pop() for _ in range(count)]
    m.push(group(reversed(items)))


def _append(m: Machine) -> None:
    value = m.pop()
    m.add(m.top(), [value])


def _appends(m: Machine) -> None:
    values = m.pop_to_mark()
    m.add(m.top(), values)


def _setitem(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    m.set(m.top(), [key, value])


def _setitems(m: Machine) -> None:
    values = m.pop_to_mark()
    m.set(m.top(), values)


def _store_memo(m: Machine, index: int) -> None:
    # The real machine keeps an array as long as the largest index.
    if index > len(m.memo) + _MOST_SKIPPED:
        raise MalformedError(m.offset, f"memo entry {index}, far beyond the last")
    m.memo[index] = m.top()


def _global(m: Machine) -> None:
    module = m.stream.line().decode("utf-8")
    m.name(module, m.stream.line().decode("utf-8"))


def _stack_global(m: Machine) -> None:
    qualname, module = m.pop(), m.pop()
    m.name(module, qualname)


def _inst(m: Machine) -> None:
    _global(m)
    maker = m.pop()
    m.call(maker, group(m.pop_to_mark()))


def _obj(m: Machine) -> None:
    values = m.pop_to_mark()
    m.call(values[0], group(values[1:]))


def _reduce(m: Machine) -> None:
    arguments, maker = m.pop(), m.pop()
    m.call(maker, arguments)


def _newobj(m: Machine) -> None:
    arguments, maker = m.pop(), m.pop()
    m.call(maker, arguments, bare=True)


def _newobj_ex(m: Machine) -> None:
    keywords, arguments, maker = m.pop(), m.pop(), m.pop()
    m.call(maker, arguments, keywords, bare=True)


def _extension(m: Machine, size: int) -> None:
    m.stream.skip(size)
    m.visitor.extension(m.offset)
    m.push(OPAQUE)


def _persid(m: Machine) -> None:
    m.push(m.visitor.persistent(m.stream.line().decode("latin-1"), m.offset))


def _binpersid(m: Machine) -> None:
    m.push(m.visitor.persistent(m.pop(), m.offset))


def _pop(m: Machine) -> None:
    m.stack.pop()


def _frozen(m: Machine) -> None:
    items = Items()
    m.add(items, m.pop_to_mark())
    m.push(items)


def _buffer(m: Machine) -> None:
    raise MalformedError(m.offset, "a buffer that lies outside the file")


_OPERATIONS: dict[bytes, Callable[[Machine], object]] = {
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
    pickle.PUT: lambda m: _store_memo(m, int(m.stream.line())),
    pickle.BINPUT: lambda m: _store_memo(m, m.number("<B")),
    pickle.LONG_BINPUT: lambda m: _store_memo(m, m.number("<I")),
    pickle.MEMOIZE: lambda m: _store_memo(m, len(m.memo)),
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


def _as_text(m: Machine, size: int) -> Value:
    if size > KEPT_TEXT_BYTES:
        m.stream.skip(size)
        return OPAQUE
    return m.old_text(m.stream.read(size))
