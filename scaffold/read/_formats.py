"""Tell what a file is by its first bytes."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from scaffold.base.streams import compression_of
from scaffold.read._streams import CutShortError
from scaffold.spec import ModelFormat

HEAD_BYTES = 4096

# Files that users give in place of a model, and advice for each.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Fetch the file: git lfs pull"),
    (
        b"\x89HDF\r\n",
        "an HDF5 file",
        "Load the model in Python and give the object: scaffold.new(model, ...)",
    ),
    (b"(\xb5/\xfd", "compressed with zstd", "Unpack it first: unzstd FILE"),
    (b"PAR1", "a Parquet file", "That is a table. Give the model's file first and the table after --input"),
    (b"\x93NUMPY", "a numpy array", "Give the model's file first and the array after --input"),
    (b"\x89PNG", "a PNG image", "Give the model's file first and the image after --input"),
    (b"\xff\xd8\xff", "a JPEG image", "Give the model's file first and the image after --input"),
    (b"<!DOCTYPE", "a web page", "Download the file itself: this is the page that leads to it"),
    (b"<html", "a web page", "Download the file itself: this is the page that leads to it"),
    (
        b"ZF0x",
        "written by joblib before 0.10",
        "Load it with that joblib and write it anew: joblib.dump(model, PATH)",
    ),
    (
        b"\x1cTFL",
        "a TensorFlow Lite model",
        "Load the model in Python and give the object: scaffold.new(model, ...)",
    ),
)
# And archives, by the name of a member.
_FOREIGN_MEMBERS: tuple[tuple[str, str, str], ...] = (
    (
        "archive_format",
        "a program of torch.export",
        (
            "Save what it holds as TorchScript, with an input for an example:\n"
            "  torch.jit.trace(torch.export.load(PATH).module(), example).save('model.pt')"
        ),
    ),
    (
        "model.weights.h5",
        "a Keras model",
        "Load the model in Python and give the object: scaffold.new(model, ...)",
    ),
)
_ONNX_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_ONNX_GRAPH = 7


def head_of(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def foreign_kind(path: Path, head: bytes) -> tuple[str, str] | None:
    """Return what a file with this start is, and advice, if it is known to be no readable model."""
    found = next(((kind, hint) for magic, kind, hint in _FOREIGN if head.startswith(magic)), None)
    if found or compression_of(head) != "zip" or not zipfile.is_zipfile(path):
        return found
    with zipfile.ZipFile(path) as archive:
        members = {name.rpartition("/")[2] for name in archive.namelist()}
    return next(((kind, hint) for member, kind, hint in _FOREIGN_MEMBERS if member in members), None)


def native_format(file: BinaryIO, head: bytes) -> ModelFormat | None:
    """The format of a file that a model library writes in its own way."""
    if head.startswith(b"CBM1"):
        return ModelFormat.CATBOOST
    if re.match(rb"tree\r?\nversion=v\d", head):
        return ModelFormat.LIGHTGBM
    if re.match(rb'\s*\{\s*"(learner|version)"\s*:', head) and b'"learner"' in head[:HEAD_BYTES]:
        return ModelFormat.XGBOOST
    if re.match(rb"\{[LliUI]\x00*\x07(learner|version)", head):
        return ModelFormat.XGBOOST
    if head[:1] == b"\x08" and _is_onnx(file):
        return ModelFormat.ONNX
    return None


def _is_onnx(file: BinaryIO) -> bool:
    """Whether the file starts with the fields of a `ModelProto`, up to its graph.

    Source: onnx.proto for the numbers of the fields; the protobuf encoding for the rest.

    Raises:
        CutShortError: It does, and ends inside its graph.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    while key := _varint(file):
        number, wire = key >> 3, key & 7
        if number not in _ONNX_FIELDS or wire not in (0, 2):
            return False
        length = _varint(file)
        if length is None:
            return False
        if number == _ONNX_GRAPH:
            if file.tell() + length > size:
                raise CutShortError(size)
            return True
        if wire == 2:
            file.seek(length, io.SEEK_CUR)
    return False


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
