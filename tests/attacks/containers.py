"""Files that two readers read in two ways: compressed, archived, nested; and modules next to the model."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import os
import pickle as P
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.linear_model import LinearRegression

from tests.attacks.calls import shell
from tests.attacks.case import PLANTED, Case, Place
from tests.attacks.opcodes import call, data, group, integer, mapping, name, text, whole

_MAGIC = P.dumps(0x1950A86A20F9469CFC6C, protocol=2)


class Reduced:
    """Pickles as a call of `os.system`."""

    def __init__(self, place: Place) -> None:
        self.command = shell(place)

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def trap(place: Place) -> bytes:
    return whole(call(name("posix:system"), text(shell(place))))


def _lz4(content: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(content))


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": functools.partial(gzip.compress, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": functools.partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
    "lz4": _lz4,
}


def _packed(pack: Callable[[bytes], bytes]) -> Callable[[Place], bytes]:
    return lambda place: pack(trap(place))


def _packed_twice(pack: Callable[[bytes], bytes]) -> Callable[[Place], bytes]:
    return lambda place: pack(gzip.compress(trap(place), mtime=0))


PACKED = [Case(f"in {label}", "program", _packed(pack)) for label, pack in _PACKERS.items()]
PACKED += [Case(f"twice in {label}", "program", _packed_twice(pack)) for label, pack in _PACKERS.items()]

# --------------------------------------------------------------------------- zip archives of torch


def _honest() -> dict[str, bytes]:
    """The members of an archive that torch writes."""
    return {"model/data.pkl": whole(P.EMPTY_DICT), "model/version": b"3\n", "model/byteorder": b"little"}


def _zip(members: dict[str, bytes] | list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(member), content)
    return buffer.getvalue()


def _two_directories(place: Place) -> bytes:
    """An archive in the comment of another: readers from the front and from the back see different ones."""
    evil, honest = _zip(_honest() | {"model/data.pkl": trap(place)}), _zip(_honest())
    return evil + honest


def _two_ends(place: Place) -> bytes:
    evil, honest = _zip(_honest() | {"model/data.pkl": trap(place)}), _zip(_honest())
    return honest + evil[: evil.index(b"PK\5\6")]


def _commented(place: Place) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in _honest().items():
            archive.writestr(zipfile.ZipInfo(member), content)
        archive.comment = _zip(_honest() | {"model/data.pkl": trap(place)})
    return buffer.getvalue()


def _duplicate(place: Place) -> bytes:
    content = _zip([*_honest().items(), ("model/dat2.pkl", trap(place))])
    return content.replace(b"model/dat2.pkl", b"model/data.pkl")


def _tar(place: Place) -> bytes:
    """torch's oldest layout; its reader tries it first, whatever the start of the file says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member in ("storages", "tensors", "pickle"):
            content = P.dumps(0, 2) * 2 if member != "pickle" else trap(place)
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _legacy(place: Place, *, magic: bytes = _MAGIC) -> bytes:
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    parts = [magic, P.dumps(1001, 2), P.dumps(system, 2), trap(place), P.dumps([], 2)]
    return b"".join(parts)


def _tar_behind_magic(place: Place) -> bytes:
    """A tar archive whose first member's name is the start of torch's second layout."""
    content = bytearray(_tar(place))
    content[: len(_MAGIC)] = _MAGIC
    check = sum(content[:148]) + 8 * 32 + sum(content[156:512])
    content[148:156] = f"{check:06o}\0 ".encode()
    return bytes(content)


def _torch(member: str, **more: bytes) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        members = (
            _honest() | {member: trap(place)} | {key.replace("_", "/"): value for key, value in more.items()}
        )
        if member.lower() == "model/data.pkl" and member != "model/data.pkl":
            members = {member: trap(place), **_honest()}
        return _zip(members)

    return content


def _saved(place: Place) -> bytes:
    buffer = io.BytesIO()
    torch.save({"trap": Reduced(place), "weights": torch.zeros(3)}, buffer)
    return buffer.getvalue()


ARCHIVES = [
    Case("an archive", "program", _torch("model/data.pkl"), "model.pt"),
    Case("an archive that torch wrote", "program", _saved, "model.pt"),
    Case("an archive in capitals", "program", _torch("model/DATA.PKL"), "model.pt"),
    Case("an archive in mixed case", "program", _torch("Model/data.pkl"), "model.pt"),
    Case("a second pickle", "program", _torch("model/other.pkl"), "model.pt"),
    Case("a pickle by content", "program", _torch("model/other"), "model.pt"),
    Case("another folder first", "program", _torch("else/data.pkl"), "model.pt"),
    Case("a folder above", "program", _torch("model/../data.pkl"), "model.pt"),
    Case(
        "constants",
        "program",
        lambda p: _zip({"m/data.pkl": trap(p), "m/constants.pkl": whole(P.EMPTY_TUPLE)}),
        "model.pt",
    ),
    Case("two directories", "program", _two_directories, "model.pt"),
    Case("two ends", "program", _two_ends, "model.pt"),
    Case("an archive in a comment", "program", _commented, "model.pt"),
    Case("two members of one name", "program", _duplicate, "model.pt"),
    Case("a tar", "program", _tar, "model.pt"),
    Case("a tar behind the magic number", "program", _tar_behind_magic, "model.pt"),
    Case("the layout before archives", "program", _legacy, "model.pt"),
    Case("that layout with a trap for its number", "program", lambda p: trap(p) + _legacy(p), "model.pt"),
]

# --------------------------------------------------------------------------- nested pickles

_WRAPPER = "joblib.numpy_pickle:NumpyArrayWrapper"
_BYTES = "torch.storage:_load_from_bytes"


def _wrapped(state: Callable[[Place], dict[str, bytes]]) -> Callable[[Place], bytes]:
    def content(place: Place) -> bytes:
        wrapper = name(_WRAPPER) + P.EMPTY_TUPLE + P.NEWOBJ + mapping(**state(place)) + P.BUILD
        return P.PROTO + b"\4" + wrapper + trap(place) + P.STOP

    return content


def _state(dtype: bytes, **more: bytes) -> dict[str, bytes]:
    return {
        "subclass": name("numpy:ndarray"),
        "shape": group(P.BININT1 + b"\1"),
        "order": text("C"),
        "dtype": dtype,
    } | more


def _objects(place: Place) -> bytes:
    buffer = io.BytesIO()
    joblib.dump({"x": np.arange(3.0), "trap": np.array([Reduced(place)], dtype=object)}, buffer)
    return buffer.getvalue()


def _behind_array(place: Place) -> bytes:
    buffer = io.BytesIO()
    joblib.dump([np.arange(5), Reduced(place)], buffer)
    return buffer.getvalue()


_FALSE_DTYPE = (
    name("types:SimpleNamespace")
    + P.EMPTY_TUPLE
    + P.NEWOBJ
    + mapping(hasobject=P.NEWTRUE, itemsize=P.BININT1 + b"\1")
    + P.BUILD
)


def _dtype(code: str, flags: int, *, subarray: bytes = P.NONE) -> bytes:
    made = call(name("numpy:dtype"), text(code), P.NEWFALSE, P.NEWTRUE)
    state = (P.BININT1 + b"\3", text("|"), subarray, P.NONE, P.NONE, integer(-1), integer(-1), integer(flags))
    return made + group(*state) + P.BUILD


def _longer_frame(place: Place) -> bytes:
    """Objects in an array whose frame ends after their STOP: a reader of frames continues after it."""
    wrapper = name(_WRAPPER) + P.EMPTY_TUPLE + P.NEWOBJ + mapping(**_state(_dtype("O8", 63))) + P.BUILD
    hidden = P.NONE + P.STOP + trap(place)
    return (
        P.PROTO
        + b"\4"
        + wrapper
        + P.PROTO
        + b"\4"
        + P.FRAME
        + len(hidden).to_bytes(8, "little")
        + hidden
        + P.STOP
    )


NESTED = [
    Case("a dtype with a false flag", "program", _wrapped(lambda p: _state(_dtype("V1", 1))), "model.joblib"),
    Case(
        "objects without their flag",
        "memory access",
        _wrapped(lambda p: _state(_dtype("O8", 0))),
        "model.joblib",
    ),
    Case(
        "an array of arrays",
        "program",
        _wrapped(
            lambda p: _state(
                _dtype("V1", 0, subarray=group(call(name("numpy:dtype"), text("u1")), group(integer(9))))
            )
        ),
        "model.joblib",
    ),
    Case("a frame that is longer", "program", _longer_frame, "model.joblib"),
    Case(
        "a second description",
        "program",
        lambda p: (
            P.PROTO
            + b"\4"
            + name(_WRAPPER)
            + P.EMPTY_TUPLE
            + P.NEWOBJ
            + P.MEMOIZE
            + mapping(**_state(call(name("numpy:dtype"), text("u1"))))
            + P.BUILD
            + b"\1"
            + P.POP
            + P.BINGET
            + b"\0"
            + mapping(**_state(call(name("numpy:dtype"), text("u1"))))
            + P.BUILD
            + trap(p)
        ),
        "model.joblib",
    ),
    Case("objects in an array", "program", _objects, "model.joblib"),
    Case("behind an array", "program", _behind_array, "model.joblib"),
    Case("a dtype that is none", "program", _wrapped(lambda p: _state(_FALSE_DTYPE)), "model.joblib"),
    Case("a dtype as bytes", "program", _wrapped(lambda p: _state(data(b"O"))), "model.joblib"),
    Case(
        "a dtype that is made",
        "program",
        _wrapped(lambda p: _state(call(name("numpy:dtype"), call(name("builtins:str"), text("O"))))),
        "model.joblib",
    ),
    Case(
        "a shape that is made",
        "program",
        _wrapped(
            lambda p: _state(
                call(name("numpy:dtype"), text("u1")), shape=call(name("builtins:tuple"), P.EMPTY_TUPLE)
            )
        ),
        "model.joblib",
    ),
    Case(
        "a wrapper as a base",
        "program",
        lambda p: whole(call(name("builtins:type"), text("X"), group(name(_WRAPPER)), P.EMPTY_DICT)),
        "model.joblib",
    ),
    Case(
        "a wrapper by value",
        "program",
        lambda p: (
            whole(
                call(
                    name("cloudpickle.cloudpickle:_make_skeleton_class"),
                    name("builtins:type"),
                    text("X"),
                    group(name(_WRAPPER)),
                    P.EMPTY_DICT,
                    text("x"),
                    P.NONE,
                )
                + P.EMPTY_TUPLE
                + P.NEWOBJ
                + mapping(**_state(call(name("numpy:dtype"), text("O"))))
                + P.BUILD
            )
            + trap(p)
        ),
        "model.joblib",
        by_value=True,
    ),
    Case(
        "an old wrapper",
        "program",
        lambda p: whole(name("joblib.numpy_pickle_compat:ZNDArrayWrapper") + P.EMPTY_TUPLE + P.NEWOBJ),
    ),
    Case("a storage", "program", lambda p: whole(call(name(_BYTES), data(_legacy(p))))),
    Case(
        "a storage as an archive",
        "program",
        lambda p: whole(call(name(_BYTES), data(_zip(_honest() | {"model/data.pkl": trap(p)})))),
    ),
    Case("a storage as a pickle", "program", lambda p: whole(call(name(_BYTES), data(trap(p))))),
    Case(
        "a storage kept",
        "program",
        lambda p: whole(call(call(name("functools:partial"), name(_BYTES), data(_legacy(p))))),
    ),
    Case("two pickles in a row", "program", lambda p: whole(P.NONE) + trap(p)),
    Case("a fault behind the trap", "program", lambda p: trap(p)[:-1] + b"\xff"),
]

# --------------------------------------------------------------------------- modules beside an honest model


def _regression(place: Place) -> bytes:
    return P.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))


def _joblib_regression(place: Place) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), buffer)
    return buffer.getvalue()


_SHADOW_NAMES = """
    numpy json decimal sklearn scipy joblib threadpoolctl pickle random cupy array_api_strict dask
    lz4 xxhash sitecustomize usercustomize numexpr bottleneck psutil
"""
_SHADOWS = _SHADOW_NAMES.split()

BESIDE = [
    *(
        Case(
            f"{module}.py beside the model", "import", _regression, beside={f"{module}.py": ""}, harmless=True
        )
        for module in _SHADOWS
    ),
    Case(
        "modules beside a joblib file",
        "import",
        _joblib_regression,
        "model.joblib",
        {f"{module}.py": "" for module in _SHADOWS},
        harmless=True,
    ),
    Case("a module of another name", "import", _regression, beside={f"{PLANTED}.py": ""}, harmless=True),
]

CONTAINERS = [*PACKED, *ARCHIVES, *NESTED, *BESIDE]
