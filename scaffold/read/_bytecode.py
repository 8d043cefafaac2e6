"""Which Python compiled a code object, from the arguments that `types.CodeType` is called with in a pickle.

The interpreter runs bytecode of another minor version without a check and may end in a segmentation fault, so
the version has to be known before the code object is made. A pickle does not name it. The rule:

- Python 3.7 and older give 15 arguments, 3.8 to 3.10 give 16, and 3.11 to 3.14 give 18.
- Of 16 arguments the last but two is the line table. That of 3.10 (PEP 626) covers all of the bytecode: its
  steps add up to the length. That of 3.8 and 3.9 ends where the last line starts, which is before the end.
- From 3.11 on, a code object begins with a few set-up instructions and then RESUME, whose number is 151 in
  3.11 and 3.12, 149 in 3.13 and 128 in 3.14. Every instruction is followed by as many empty cache units as
  the version gives it (PEP 659). The numbers of 3.11 and 3.12 are nearly the same, and the caches differ:
  LOAD_GLOBAL has 5 and 4, LOAD_ATTR 4 and 9, CALL 4 and 3.
- In all versions, only instructions occur that the version has.

Several versions fit where a function has no instruction that tells them apart, such as `lambda x: x`: its
bytecode is that of each of them, and runs in each. What is reported are the versions that fit all functions
of a file.

Source: the module `opcode` of each version, and for 3.14 its published list of instructions. Tests compile
code with every Python that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scaffold.read.gate._values import Blob, Value


@dataclass(frozen=True, slots=True)
class _Version:
    """The instructions of one version: from Python 3.8 on each is two bytes, the number and an argument."""

    name: str
    opcodes: int
    """A bit for each number that is an instruction, that of CACHE left out."""
    caches: Mapping[int, int] = field(default_factory=dict)
    """The number of cache units that follow an instruction."""
    starts: frozenset[int] = frozenset()
    """EXTENDED_ARG, COPY_FREE_VARS, MAKE_CELL, RETURN_GENERATOR, POP_TOP: what may stand before RESUME."""
    resume: int = 0


_OLD = (
    _Version("3.8", 0xF7FFFE7BC741FFFF7FFFEFBFFFBFC00003FDB9E7E),
    _Version("3.9", 0x3F3C1FE7BC767FFFF7FEFCFFFFFBDF00003FDB9E7E),
)
_310 = _Version("3.10", 0x3F3D1FE7BE76FFFFFFFEFCFFFFFBDE0007FFDB9E7E)
_NEW = (
    _Version(
        "3.11",
        0x1F87D39BF5FFF7DFDFFFFFFFC0CF0307E003BC2009E06,
        {25: 4, 60: 1, 92: 1, 95: 4, 106: 4, 107: 2, 116: 5, 122: 1, 160: 10, 166: 1, 171: 4},
        frozenset({144, 149, 135, 75, 1}),
        151,
    ),
    _Version(
        "3.12",
        0x1F83C39EFFFFFFFFC7FFFFEA80CB030FE003BCE009A3E,
        {25: 1, 60: 1, 92: 1, 93: 1, 95: 4, 106: 9, 107: 1, 116: 4, 122: 1, 123: 1, 141: 1, 171: 3},
        frozenset({144, 149, 135, 75, 1}),
        151,
    ),
    _Version(
        "3.13",
        0x200000007FFFFFFFFFFFFFFFFFFFFFFFFDFFF6,
        {5: 1, 39: 1, 40: 3, 45: 1, 53: 3, 58: 1, 59: 1, 72: 1, 77: 1, 82: 9, 91: 4, 93: 1}
        | {97: 1, 98: 1, 99: 1, 100: 1, 104: 1, 108: 4, 117: 1},
        frozenset({71, 62, 94, 35, 32}),
        149,
    ),
    _Version(
        "3.14",
        0x101FFFFFFFFFFFFFFFFFFFFFFFFFFFFFDFFF6,
        {38: 1, 39: 3, 44: 5, 52: 3, 55: 3, 56: 1, 57: 1, 70: 1, 75: 1, 80: 9, 92: 4, 96: 1}
        | {100: 1, 101: 1, 102: 1, 103: 1, 106: 1, 110: 4, 119: 1},
        frozenset({69, 60, 97, 34, 31}),
        128,
    ),
)


def pythons_of_code(arguments: tuple[Value, ...]) -> tuple[str, ...] | None:
    """Return the minor versions that can have compiled a code object; empty if no known version can have.

    None in place of a tuple says that nothing can be told: the arguments are of another number, which every
    Python refuses by itself, or no plain values.

    Args:
        arguments: Those of `types.CodeType`, in the order of the version that made them.
    """
    if len(arguments) == 15:
        return ("3.7",)
    if len(arguments) not in (16, 18):
        return None
    code = arguments[6]
    if not isinstance(code, Blob) or code.size % 2:
        return None
    if len(arguments) == 18:
        return tuple(version.name for version in _NEW if _fits_new(version, code.start))
    lines = arguments[13]
    if not isinstance(lines, Blob) or not lines.whole:
        return None
    if sum(lines.start[::2]) == code.size:
        return (_310.name,) if _fits(_310, code.start) else ()
    return tuple(version.name for version in _OLD if _fits(version, code.start))


def _fits(version: _Version, code: bytes) -> bool:
    """Whether all are instructions of the version; before 3.11 nothing stands between them."""
    return all(version.opcodes >> opcode & 1 for opcode in code[::2])


def _fits_new(version: _Version, code: bytes) -> bool:
    """Whether the code begins and is laid out as the version does. Of long code the start is looked at."""
    start = next((opcode for opcode in code[::2] if opcode not in version.starts), None)
    if start != version.resume:
        return False
    position = 0
    while position < len(code) - 1:
        opcode = code[position]
        if not version.opcodes >> opcode & 1:
            return False
        end = position + 2 + 2 * version.caches.get(opcode, 0)
        if any(code[position + 2 : end]):
            return False
        position = end
    return True
