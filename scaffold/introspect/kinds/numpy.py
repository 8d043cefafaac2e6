"""Arrays of numpy, of any dtype and rank."""

from __future__ import annotations

import dataclasses
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _scalars
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe, Describer, Kind, PathValues
from scaffold.introspect.kinds._records import either, one_kind
from scaffold.spec import (
    Element,
    Missing,
    Optional,
    PythonType,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
)

_ARRAYS = ("numpy.ndarray", "torch.Tensor", "scipy.spmatrix", "scipy.sparray")


class NumpyKind(Kind):
    """numpy."""

    arrays: tuple[str, ...] = ("numpy.ndarray",)

    def describer(self, path: str, value: object) -> Describer:
        """Return the function that describes arrays."""
        return self._arrays

    def row(self, value: object, describe: Describe) -> Tensor | Table:
        """Return the `data` of one record from an array of records.

        The first axis counts records and is dropped: a sample of shape `(n, 28, 28)` describes records whose
        `data` has shape `(28, 28)`.

        Raises:
            UnsupportedSampleError: A dtype that JSON cannot represent, or several types in an object array.

        Source: WIRE.md, the row on arrays.
        """
        return self.stacked(value, describe, "$")

    def stacked(self, value: object, describe: Describe, path: str) -> Tensor:
        """Return one slice of an array along its first axis.

        Args:
            value: An array; its first axis counts records or is an axis of a record.
            describe: Describes what is within it.
            path: Where it stands in the sample.
        """
        whole = self.describe_array(value, describe, path)
        return dataclasses.replace(whole, shape=whole.shape[1:], stacked=True)

    def describe_array(self, value: Any, describe: Describe, path: str) -> Tensor:
        """Return one array as a whole.

        Args:
            value: An array of records, or of one.
            describe: Describes what is within it.
            path: Where it stands in the sample.
        """
        return Tensor(
            shape=tuple(int(length) for length in value.shape),
            dtype=self.dtype_name(value.dtype),
            items=self._items(value, describe, path),
            container=self.container_of(value),
            stacked=False,
        )

    def dtype_name(self, dtype: Any) -> str:
        """Return the name of the dtype: `str` for strings of any length, as requests may have longer ones."""
        return {"U": "str", "S": "bytes"}.get(dtype.kind, str(dtype.name))

    def has_missing(self, value: Any) -> bool:
        """Whether an array holds NaN or NaT."""
        return value.dtype.kind in "fmM" and bool((value != value).any())

    def missing_of(self, value: Any) -> Missing:
        """Return the kind of missing value in the array."""
        return Missing.NAT if getattr(value.dtype, "kind", "") in ("M", "m") else Missing.NAN

    def _arrays(self, pairs: PathValues, describe: Describe) -> Schema:
        return either(
            list(dict.fromkeys(self.describe_array(value, describe, path) for path, value in pairs))
        )

    def _items(self, value: Any, describe: Describe, path: str) -> Schema:
        dtype = value.dtype
        kind = getattr(dtype, "kind", "")
        if kind == "O":
            return _objects(value, describe, path)
        if kind in ("M", "m"):
            scalar = self._temporal(dtype, path)
        elif kind == "S":
            scalar = _scalars.python(ScalarType.BYTES, PythonType.BYTES)
        else:
            known_scalar = _scalars.of_dtype(self.dtype_name(dtype), self.container_of(value))
            if known_scalar is None:
                raise UnsupportedSampleError(path, f"an array of {dtype} is not JSON")
            scalar = known_scalar
        if not self.has_missing(value):
            return scalar
        return Optional(of=scalar, missing=self.missing_of(value))

    def _temporal(self, dtype: Any, path: str) -> Scalar:
        type_ = ScalarType.DATETIME if dtype.kind == "M" else ScalarType.DURATION
        name = str(dtype.name)
        if name.endswith(("[ps]", "[fs]", "[as]")):
            raise UnsupportedSampleError(
                path, f"{name} is finer than a nanosecond", f'Give it as array.astype("{name[:-3]}ns]").'
            )
        return _scalars.temporal(type_, Element(name, self.container))

    # ------------------------------------------------------------------ as JSON

    def rows(self, value: Any, schema: Schema) -> list[object]:
        """Return the rows; as dicts if the model has feature names."""
        if not isinstance(schema, Table):
            return list(value)
        names = [column.name for column in schema.columns]
        return [dict(zip(names, row, strict=True)) for row in value]

    def to_lists(self, value: Any) -> Any:
        """Return nested lists; datetimes stay numpy values, which have nanosecond resolution."""
        if value.dtype.kind in "Mm":
            return list(value.reshape(-1)) if value.ndim == 1 else [self.to_lists(part) for part in value]
        return value.tolist()


def _objects(value: Any, describe: Describe, path: str) -> Schema:
    """Describe the values of an object array, which must be of one type."""
    if value.ndim == 1 and len(value) and is_a(value[0], *_ARRAYS):
        raise UnsupportedSampleError(
            path, "an array of arrays of different shapes", "Pad them to one shape, or give a list."
        )
    items = list(value.reshape(-1))
    schema = describe([(f"{path}.flat[{i}]", item) for i, item in enumerate(items)])
    present = [item for item in items if item is not None]
    advice = "Give a DataFrame with a dtype for each column, or a list of dicts."
    return one_kind(schema, present, path, "an object array", advice)
