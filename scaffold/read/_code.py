"""What a code object that a pickle carries imports, and what it names that no model needs.

cloudpickle writes functions and classes of a script by value: as the arguments of `types.CodeType`. Such code
is the user's own as much as a module beside the model is, and no list can prove it harmless. What can be seen
is read from its bytecode: every import must be on the list of libraries and harmless standard modules, and no
global or attribute may be one that runs programs, evaluates text, or writes or deletes files.
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from scaffold.read._values import Blob, Made, Value

_EVALUATING = {"eval", "exec", "compile", "__import__", "breakpoint", "globals", "input", "execfile"}
_PROGRAMS = """
    system popen Popen check_output check_call getoutput getstatusoutput execv execve execvp execvpe execl
    execle execlp spawnl spawnle spawnlp spawnv spawnve spawnvp spawn_shell fork forkpty posix_spawn
    posix_spawnp startfile import_module exec_module load_module run_module run_path runstring runcode
    runsource exec_command rmtree urlopen urlretrieve write_text write_bytes unlink symlink_to hardlink_to
    removedirs read_pickle to_pickle DataSource CDLL dlopen find_library __subclasses__ __globals__
    __builtins__ __import__ __loader__ __code__ __reduce__ gi_frame f_globals f_builtins tb_frame cr_frame
    _getframe f_back f_locals __self__ __bases__ FunctionType CodeType FileHandler dictConfig fileConfig
    savetxt savez savez_compressed memmap tofile to_csv to_parquet to_feather to_hdf to_excel to_sql savemat
    dump_svmlight_file savefig
"""
_PROGRAM_NAMES = frozenset(_PROGRAMS.split())
# Attributes that are harmless on a list or a frame, and not on `os`.
_OF_OS_WORDS = """
    remove rename replace rmdir mkdir makedirs kill killpg open write chmod chown link symlink truncate putenv
    dup dup2 _exit abort setuid chroot unsetenv modules loads load getattr touch stdout settrace Unpickler
"""
_OF_OS = frozenset(_OF_OS_WORDS.split())
_WATCHED = frozenset({"os", "posix", "sys", "pathlib", "io", "pickle", "types"})
# Modules that libraries happen to hold, and that lead out of them.
_INNER_MODULES = frozenset(
    {"f2py", "ctypeslib", "subprocess", "builtins", "importlib", "ctypes", "posix", "pty", "_os"}
)
# Their `load` runs what a further file names, and their `dump` writes one.
_PICKLING = frozenset({"joblib", "_joblib", "cloudpickle", "dill"})
_OF_ARRAYS = frozenset({"np", "numpy", "torch"})
# In the text of `DataFrame.query` and `eval`: more than a name after `@`.
_REACHING = re.compile(r"@(?!\w+\b(?!\s*[.(\[]))")
_WRITING = re.compile(r"[rwxabt+]{1,3}")


@dataclass(frozen=True, slots=True)
class Code:
    """A code object as its arguments tell it."""

    name: str
    imports: tuple[str, ...]
    suspicious: tuple[str, ...]


def code_of(arguments: tuple[Value, ...]) -> Code | None:
    """Read the arguments of a call of `types.CodeType`, or None if they are not plain values.

    Source: the order of arguments of `types.CodeType`; `names` and what stands before it are where they were
    since Python 3.8.
    """
    if len(arguments) < 12:
        return None
    bytecode, constants, names = arguments[6:9]
    name = arguments[11]
    if not isinstance(bytecode, Blob) or not isinstance(constants, tuple) or not isinstance(names, tuple):
        return None
    if not bytecode.whole or not all(isinstance(n, str) for n in names) or not isinstance(name, str):
        return None
    known = tuple(str(n) for n in names)
    uses = _uses(bytecode.start, known)
    texts = _texts(constants)
    return Code(
        name=name,
        imports=tuple(sorted({module for kind, module in uses if kind == "import"})),
        suspicious=tuple(sorted(_suspicious(uses, texts))),
    )


def words_of_text(text: str) -> list[str]:
    """The words in a text that is evaluated which no formula needs."""
    words = set(re.findall(r"\w+", text))
    bad = (
        _EVALUATING
        | _PROGRAM_NAMES
        | {"open", "getattr", "lambda", "subprocess", "os", "sys", "builtins", "import"}
    )
    return sorted((words & bad) | {word for word in words if word.startswith("__")})


def _suspicious(uses: set[tuple[str, str]], texts: set[str]) -> Iterator[str]:
    loaded = {name for kind, name in uses if kind == "load"}
    fetched = {name for kind, name in uses if kind == "fetch"}
    everything = loaded | fetched | {name for kind, name in uses if kind == "import"}
    yield from (loaded & _EVALUATING) | ((fetched | texts) & _PROGRAM_NAMES)
    yield from fetched & _INNER_MODULES
    if {"getattr", "attrgetter"} & (loaded | fetched):
        parts = {part for text in texts for part in text.split(".")} | fetched
        yield from parts & ({"os", "sys", "_sys"} | _INNER_MODULES | _PROGRAM_NAMES)
    if {"eval", "query"} & fetched:
        reaching = {"eval" for text in texts if _REACHING.search(text)}
        yield from reaching | {word for text in texts for word in words_of_text(text)}
    yield from _of_further_files(fetched, everything, texts)
    # A file may be read, not written: the mode is a constant beside the call.
    computed = bool({"chr", "bytes", "bytearray"} & loaded)
    if "open" in loaded | fetched and (computed or any(_is_writing(text) for text in texts)):
        yield "open"
    watched = everything & _WATCHED
    if watched:
        yield from (f"{min(watched)}.{name}" for name in (fetched | loaded) & _OF_OS)


def _of_further_files(fetched: set[str], everything: set[str], texts: set[str]) -> Iterator[str]:
    """Reading a further file in a way that runs what it names, or writing one."""
    for library in everything & _PICKLING:
        yield from (f"{library}.{name}" for name in fetched & {"load", "dump"})
    for library in everything & _OF_ARRAYS:
        yield from (f"{library}.{name}" for name in fetched & {"save"})
        if "load" in fetched and texts & {"allow_pickle", "weights_only"}:
            yield f"{library}.load"


def _is_writing(text: str) -> bool:
    return bool(_WRITING.fullmatch(text)) and any(letter in text for letter in "wxa+")


def _texts(constants: Value) -> set[str]:
    """The texts among the constants; nested code objects are calls of their own."""
    if isinstance(constants, str):
        return {constants}
    if isinstance(constants, tuple):
        return {text for constant in constants for text in _texts(constant)}
    if isinstance(constants, Made):
        return set()
    return set()


def _uses(bytecode: bytes, names: tuple[str, ...]) -> set[tuple[str, str]]:
    """The names that the instructions import, load and fetch. Any reading of an argument counts."""
    found: set[tuple[str, str]] = set()
    extended = 0
    for opcode, low in zip(bytecode[::2], bytecode[1::2], strict=False):
        argument = extended << 8 | low
        if opcode == dis.EXTENDED_ARG:
            extended = argument
            continue
        extended = 0
        kind = _KINDS.get(opcode)
        if kind is not None:
            found.update((kind, names[i]) for i in _indexes(opcode, argument, low) if i < len(names))
    return found


def _indexes(opcode: int, argument: int, low: int) -> set[int]:
    shift = _SHIFTS.get(dis.opname[opcode], 0)
    return {argument >> shift, low >> shift}


_KINDS = {
    dis.opmap[name]: kind
    for name, kind in {
        "IMPORT_NAME": "import",
        "LOAD_GLOBAL": "load",
        "LOAD_NAME": "load",
        "LOAD_FROM_DICT_OR_GLOBALS": "load",
        "IMPORT_FROM": "fetch",
        "LOAD_ATTR": "fetch",
        "LOAD_METHOD": "fetch",
        "LOAD_SUPER_ATTR": "fetch",
    }.items()
    if name in dis.opmap
}
_SHIFTS = {"LOAD_GLOBAL": 1} if sys.version_info >= (3, 11) else {}
if sys.version_info >= (3, 12):
    _SHIFTS |= {"LOAD_ATTR": 1, "LOAD_SUPER_ATTR": 2}
