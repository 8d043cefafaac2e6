"""Detect the format of a file from its first bytes."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from scaffold.base.streams import compression_of
from scaffold.read._streams import CutShortError, Stream
from scaffold.read.gate._keras import CONFIG, METADATA, WEIGHTS
from scaffold.spec import ModelFormat

HEAD_BYTES = 4096

_ONNX_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_ONNX_GRAPH = 7


def head_of(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


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


def is_keras(file: BinaryIO, head: bytes) -> bool:
    """Whether it is an archive with the three files that Keras 3 writes."""
    if compression_of(head) != "zip" or not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return {CONFIG, METADATA, WEIGHTS} <= set(archive.namelist())


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


def is_packed_onnx(stream: Stream) -> bool:
    """Whether a compressed file holds a `ModelProto`; it is then read to its end.

    Raises:
        CutShortError: The file holds a model, and ends inside its graph.
        BombError: The file unpacks to far more than its size.
    """
    if not stream.starts_with(b"\x08"):
        return False
    has_graph = False
    try:
        while not has_graph and (key := _varint(stream)):
            number, wire = key >> 3, key & 7
            length = _varint(stream)
            if number not in _ONNX_FIELDS or wire not in (0, 2) or length is None:
                return False
            has_graph = number == _ONNX_GRAPH
            if wire == 2:
                stream.skip(length)
        if has_graph:
            stream.drain()
    except CutShortError:
        if has_graph:
            raise
    return has_graph


def _varint(file: BinaryIO | Stream) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
