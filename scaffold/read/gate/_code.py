"""Which code a pickle carries by value: the name of each function, and what modules it imports.

cloudpickle and dill write functions and classes of a script as the arguments of `types.CodeType`. Nothing
here judges that code: no reading of bytecode can. It is listed, so that a person sees what there is.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass

from scaffold.read.gate._values import Blob, Value


@dataclass(frozen=True, slots=True)
class Code:
    """A code object, described by its arguments."""

    place: str
    """`train.py:ratio`"""
    imports: tuple[str, ...]


UNREADABLE = Code("?:?", ())


def code_of(arguments: tuple[Value, ...]) -> Code:
    """Read the arguments of a call of `types.CodeType`.

    Source: the order of arguments of `types.CodeType`; `names` and what stands before it are where they were
    since Python 3.8. dill puts an argument of its own before these from Python 3.11 on.
    """
    shift = 1 if len(arguments) > 6 and not isinstance(arguments[6], Blob) else 0
    if len(arguments) < 12 + shift:
        return UNREADABLE
    bytecode, names = arguments[6 + shift], arguments[8 + shift]
    file, name = arguments[10 + shift], arguments[11 + shift]
    if not isinstance(file, str) or not isinstance(name, str):
        return UNREADABLE
    place = f"{_base(file)}:{name}"
    if not isinstance(bytecode, Blob) or not isinstance(names, tuple) or not bytecode.whole:
        return Code(place, ())
    plain_names = tuple(n if isinstance(n, str) else "" for n in names)
    return Code(place, _imports(bytecode.start, plain_names))


def _base(file: str) -> str:
    """The last part of a path; a cell of a notebook has none."""
    return file.replace("\\", "/").rpartition("/")[2] or file


def _imports(bytecode: bytes, names: tuple[str, ...]) -> tuple[str, ...]:
    modules: set[str] = set()
    extended = 0
    for opcode, low in zip(bytecode[::2], bytecode[1::2], strict=False):
        argument = extended << 8 | low
        extended = argument if opcode == dis.EXTENDED_ARG else 0
        if opcode == _IMPORT_NAME:
            # Bytes of a cache may look like an instruction: any reading of the argument counts.
            modules.update(names[i] for i in {argument, low} if i < len(names))
    return tuple(sorted(name for name in modules if name))


_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
