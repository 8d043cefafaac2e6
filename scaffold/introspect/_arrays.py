"""Describe arrays: numpy of any dtype and rank, scipy sparse, torch tensors."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _kinds, _plain, _scalars
from scaffold.spec import (
    Container,
    Either,
    Element,
    Missing,
    Numpy,
    Optional,
    PythonType,
    Scalar,
    ScalarType,
    Schema,
    Sparse,
    Tensor,
    Torch,
)


def describe_rows(sample: Any, path: str = "$") -> Tensor:
    """Describe the `data` of one record from an array of records.

    The first axis counts records and is dropped: a sample of shape `(n, 28, 28)` describes records whose
    `data` has shape `(28, 28)`.

    Raises:
        UnsupportedSampleError: A dtype that JSON cannot say, or mixed things in an object array.

    Source: WIRE.md, the row on arrays.
    """
    whole = describe_array(sample, path)
    return dataclasses.replace(whole, shape=whole.shape[1:], stacked=True)


def describe_array(sample: Any, path: str = "$") -> Tensor:
    """Describe one array as a whole."""
    container: Container = Numpy()
    dtype = _dtype_name(sample.dtype)
    if _kinds.kin(sample, "torch.Tensor"):
        container = Torch()
    elif _kinds.is_sparse(sample):
        container = Sparse(type(sample).__name__)
    shape = tuple(int(length) for length in sample.shape)
    items = _items(sample, dtype, container, path)
    return Tensor(shape=shape, dtype=dtype, items=items, container=container, stacked=False)


def _dtype_name(dtype: Any) -> str:
    """Return the dtype as it is written: `str` for texts of any length, for a longer one may come."""
    if not hasattr(dtype, "kind"):
        return str(dtype).removeprefix("torch.")
    return {"U": "str", "S": "bytes"}.get(dtype.kind, str(dtype.name))


def _items(sample: Any, name: str, container: Container, path: str) -> Schema:
    dtype = sample.dtype
    kind = getattr(dtype, "kind", "")
    if kind == "O":
        return _objects(sample, path)
    scalar = _temporal(dtype, path) if kind in ("M", "m") else _scalars.of_dtype(name, container)
    if kind == "S":
        scalar = _scalars.python(ScalarType.BYTES, PythonType.BYTES)
    if scalar is None:
        raise UnsupportedSampleError(path, f"an array of {dtype} is not JSON")
    if has_missing(sample):
        if _kinds.kin(sample, "numpy.MaskedArray"):
            return Optional(of=scalar, missing=Missing.MASKED)
        return Optional(of=scalar, missing=Missing.NAT if kind in ("M", "m") else Missing.NAN)
    return scalar


def _temporal(dtype: Any, path: str) -> Scalar:
    type_ = ScalarType.DATETIME if dtype.kind == "M" else ScalarType.DURATION
    name = str(dtype.name)
    if name.endswith(("[ps]", "[fs]", "[as]")):
        raise UnsupportedSampleError(
            path, f"{name} is finer than a nanosecond", f'Give it as array.astype("{name[:-3]}ns]").'
        )
    return Scalar(type=type_, native=Element(name, Numpy()), nanoseconds=_scalars.has_nanoseconds(name))


def has_missing(sample: Any) -> bool:
    """Whether an array holds NaN or NaT."""
    if _kinds.is_sparse(sample):
        return has_missing(sample.tocoo().data)
    if _kinds.kin(sample, "torch.Tensor"):
        return bool(sample.is_floating_point() and sample.isnan().any())
    if _kinds.kin(sample, "numpy.MaskedArray"):
        return bool(sample.mask.any())
    if sample.dtype.kind not in "fmM":
        return False
    return bool((sample != sample).any())


def _objects(sample: Any, path: str) -> Schema:
    """Describe what lies in an object array: one kind of thing, for a model was fitted on one."""
    if sample.ndim == 1 and len(sample) and _kinds.is_array(sample[0]):
        raise UnsupportedSampleError(
            path, "an array of arrays of different shapes", "Pad them to one shape, or give a list."
        )
    schema = _plain.describe([(f"{path}.flat[{i}]", value) for i, value in enumerate(sample.reshape(-1))])
    inner = schema.of if isinstance(schema, Optional) else schema
    if isinstance(inner, Either):
        kinds = sorted({type(value).__name__ for value in sample.reshape(-1) if value is not None})
        raise UnsupportedSampleError(
            path,
            f"an object array of mixed things: {', '.join(kinds)}",
            "Give a DataFrame with a dtype for each column, or a list of dicts.",
        )
    return schema
