"""A small assembler for pickles that no pickler writes."""

from __future__ import annotations

import pickle as P
import struct


def whole(*body: bytes, protocol: int = 4) -> bytes:
    return P.PROTO + bytes([protocol]) + b"".join(body) + P.STOP


def text(value: str) -> bytes:
    data = value.encode()
    return P.BINUNICODE + struct.pack("<I", len(data)) + data


def data(value: bytes) -> bytes:
    return P.BINBYTES + struct.pack("<I", len(value)) + value


def integer(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return P.LONG1 + bytes([size]) + value.to_bytes(size, "little", signed=True)


def name(dotted: str) -> bytes:
    """`module:qualname` as STACK_GLOBAL."""
    module, _, qualname = dotted.partition(":")
    return text(module) + text(qualname) + P.STACK_GLOBAL


def group(*items: bytes) -> bytes:
    return P.MARK + b"".join(items) + P.TUPLE


def listed(*items: bytes) -> bytes:
    return P.EMPTY_LIST + P.MARK + b"".join(items) + P.APPENDS


def mapping(**items: bytes) -> bytes:
    return P.EMPTY_DICT + P.MARK + b"".join(text(key) + value for key, value in items.items()) + P.SETITEMS


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + group(*arguments) + P.REDUCE


def instance(kind: str, **state: bytes) -> bytes:
    """A bare instance with a state."""
    made = name(kind) + P.EMPTY_TUPLE + P.NEWOBJ
    return made + mapping(**state) + P.BUILD if state else made
