"""Opcodes of a pickle for what another format describes."""

from __future__ import annotations

import pickle
import struct
from typing import Any

from scaffold.read._streams import MalformedError


class Opcodes:
    """A pickle that is written opcode by opcode."""

    def __init__(self) -> None:
        self.out = bytearray(b"\x80\x04")

    def name(self, module: Any, name: Any) -> None:
        """What a module has under a name."""
        self.plain(text_of(module))
        self.plain(text_of(name))
        self.out += pickle.STACK_GLOBAL

    def plain(self, value: Any) -> None:
        """What JSON holds, as constants."""
        match value:
            case None | bool():
                self.out += {None: pickle.NONE, True: pickle.NEWTRUE, False: pickle.NEWFALSE}[value]
            case int() if -(1 << 31) <= value < 1 << 31:
                self.out += pickle.BININT + struct.pack("<i", value)
            case int():
                data = pickle.encode_long(value)
                self.out += pickle.LONG4 + struct.pack("<i", len(data)) + data
            case float():
                self.out += pickle.BINFLOAT + struct.pack(">d", value)
            case str():
                data = value.encode("utf-8", "surrogatepass")
                self.out += pickle.BINUNICODE + struct.pack("<I", len(data)) + data
            case list():
                self.out += pickle.EMPTY_LIST + pickle.MARK
                for each in value:
                    self.plain(each)
                self.out += pickle.APPENDS
            case dict():
                self.out += pickle.EMPTY_DICT + pickle.MARK
                for key, each in value.items():
                    self.plain(key)
                    self.plain(each)
                self.out += pickle.SETITEMS
            case _:
                raise MalformedError(0, "a value that JSON does not have")


def text_of(value: Any) -> str:
    """Return a text, or raise MalformedError."""
    if not isinstance(value, str):
        raise MalformedError(0, "a name that is no text")
    return value
