"""The Python that compiled a function is recognised, tested with code of every installed Python."""

from __future__ import annotations

import functools
import json
import opcode
import subprocess
import sys
from types import CodeType
from typing import Any

import pytest

from scaffold.base.process import run_command
from scaffold.base.pythons import installed_pythons, minor_of
from scaffold.read import _bytecode
from scaffold.read._bytecode import pythons_of_code
from scaffold.read.gate._values import OPAQUE, Blob

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
SOURCES = {
    "one": "lambda x: x",
    "none": "lambda: None",
    "global": "lambda x: len(x)",
    "attribute": "lambda x: x.a.b(1, k=2)[0]",
    "loop": "lambda xs: [x + 1 for x in xs if x > 0]",
    "closure": "lambda x: lambda y: x + y",
    "generator": "lambda xs: (yield from xs)",
    "compare": "lambda a, b: a < b and not a == b or a is b",
    "format": "lambda a: f'{a!r:>10}'",
    "many": "lambda a: (" + ", ".join(f"a + {i}" for i in range(300)) + ")",
}
BLOCK = """
import os, sys
def ratio(frame, *more, scale=1.0, **options):
    try:
        with open(os.devnull) as file:
            for key, value in options.items():
                frame[key] = frame[key] / value if value else 0
    except (ValueError, KeyError) as error:
        raise RuntimeError(str(error)) from error
    finally:
        del more
    while scale < 10:
        scale *= 2
        if scale > 5:
            continue
    assert scale, 'no scale'
    return {**options, 'scale': scale}
async def fetch(session):
    async with session as s:
        return [row async for row in s]
class Encoder:
    def fit(self, X, y=None):
        self.means_ = {c: X[c].mean() for c in X}
        return super().fit(X, y)
"""
# Runs in the other Python: prints the arguments that cloudpickle gives for each code object.
ARGUMENTS = """
import json, sys, types, warnings
warnings.simplefilter("ignore")
spec = json.load(sys.stdin)
found = []
def told(name, c):
    if sys.version_info >= (3, 11):
        last = [0, c.co_linetable, c.co_exceptiontable, 0, 0]
        args = [0, 0, 0, 0, 0, 0, c.co_code, 0, 0, 0, 0, 0, 0, *last]
    else:
        lines = c.co_linetable if sys.version_info >= (3, 10) else c.co_lnotab
        args = [0, 0, 0, 0, 0, 0, c.co_code, 0, 0, 0, 0, 0, 0, lines, 0, 0]
    found.append([name, [a.hex() if isinstance(a, bytes) else a for a in args]])
    for const in c.co_consts:
        if isinstance(const, types.CodeType) and const.co_name != "Encoder":
            told(name + "/" + const.co_name, const)
for name, source in spec["sources"].items():
    told(name, eval(source).__code__)
for const in compile(spec["block"], "block", "exec").co_consts:
    if isinstance(const, types.CodeType) and const.co_name != "Encoder":
        told("block", const)
    elif isinstance(const, types.CodeType):
        [told("method", c) for c in const.co_consts if isinstance(c, types.CodeType)]
print(json.dumps(found))
"""


@functools.cache
def pythons() -> dict[str, str]:
    """The path of one Python of each minor version from 3.8 on."""
    found = {minor_of(version): path for version, path in installed_pythons(run_command)}
    return {RUNNING: sys.executable} | {
        minor: path for minor, path in found.items() if int(minor.split(".")[1]) >= 8
    }


def code_objects(python: str) -> list[tuple[str, tuple[Any, ...]]]:
    done = subprocess.run(
        [pythons()[python], "-I", "-c", ARGUMENTS],
        input=json.dumps({"sources": SOURCES, "block": BLOCK}),
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        (f"{name} {number}", tuple(blob(bytes.fromhex(a)) if isinstance(a, str) else a for a in arguments))
        for number, (name, arguments) in enumerate(json.loads(done.stdout))
    ]


def blob(data: bytes) -> Blob:
    return Blob(0, len(data), data)


@pytest.mark.parametrize("python", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_python_of_bytecode_is_recognised(python: str) -> None:
    if python not in pythons():
        pytest.skip(f"Python {python} is not installed")
    objects = code_objects(python)
    fitting = {name: pythons_of_code(arguments) for name, arguments in objects}
    assert len(objects) >= 14
    for name, versions in fitting.items():
        assert python in (versions or ()), name
    # Functions of a line or two may be the same in two versions, and ordinary ones are not.
    together = set.intersection(*(set(versions or ()) for versions in fitting.values()))
    assert together == {python}
    ordinary = [
        name for name in fitting if name.startswith(("global", "attribute", "loop", "block", "method"))
    ]
    if python not in ("3.8", "3.9"):
        assert {name: fitting[name] for name in ordinary} == dict.fromkeys(ordinary, (python,))


def test_bytecode_of_two_versions_is_recognised_as_both() -> None:
    # RESUME, LOAD_FAST, RETURN_VALUE: what 3.11 and 3.12 both make of `lambda x: x`.
    arguments: list[Any] = [0] * 18
    arguments[6] = blob(bytes.fromhex("97007c005300"))
    assert pythons_of_code(tuple(arguments)) == ("3.11", "3.12")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("", "nothing"),
        ("7c005300", "no RESUME at its start"),
        ("97007c000000", "a cache unit where none belongs"),
        ("ff00", "a number that is no instruction"),
    ],
)
def test_bytes_that_no_python_compiles_fit_none(code: str, what: str) -> None:
    arguments: list[Any] = [0] * 18
    arguments[6] = blob(bytes.fromhex(code))
    assert pythons_of_code(tuple(arguments)) == (), what


def test_arguments_that_are_not_plain_values_are_ignored() -> None:
    assert pythons_of_code((0,) * 6 + (OPAQUE,) + (0,) * 11) is None
    assert pythons_of_code((0,) * 15) == ("3.7",)
    assert pythons_of_code((0,) * 17) is None


def test_the_table_of_the_running_python_is_that_of_its_own_module() -> None:
    versions = {version.name: version for version in (*_bytecode._OLD, _bytecode._310, *_bytecode._NEW)}
    if RUNNING not in versions:
        pytest.skip(f"Python {RUNNING} is newer than the tables")
    table = versions[RUNNING]
    real = {
        number
        for name, number in opcode.opmap.items()
        if 0 < number < 256 and not name.startswith("INSTRUMENTED") and name != "RESERVED"
    }
    assert {number for number in range(256) if table.opcodes >> number & 1} == real
    caches = getattr(opcode, "_inline_cache_entries", ())
    named = caches.items() if isinstance(caches, dict) else enumerate(caches)
    counts = {opcode.opmap.get(key, key) if isinstance(key, str) else key: count for key, count in named}
    assert {number: counts.get(number, 0) for number in real if counts.get(number)} == dict(table.caches)


def test_code_of_this_process_is_recognised() -> None:
    def compiled() -> CodeType:
        return test_code_of_this_process_is_recognised.__code__

    code = compiled()
    size = 18 if sys.version_info >= (3, 11) else 16
    arguments: list[Any] = [0] * size
    arguments[6] = blob(code.co_code)
    arguments[13] = blob(code.co_linetable) if size == 16 else 0
    assert pythons_of_code(tuple(arguments)) == (RUNNING,)
