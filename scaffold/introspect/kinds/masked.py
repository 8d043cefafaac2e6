"""Masked arrays of numpy."""

from __future__ import annotations

from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe
from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.spec import Missing, Schema, Tensor


class MaskedKind(NumpyKind):
    """numpy, with a mask over the values that are missing."""

    arrays = ("numpy.MaskedArray",)

    def describe_array(self, value: Any, describe: Describe, path: str) -> Tensor:
        """Return one array as a whole.

        Raises:
            UnsupportedSampleError: It has NaN and masked values: both would be `null`.
        """
        if value.mask.any() and super().has_missing(value.compressed()):
            raise UnsupportedSampleError(
                path, "a masked array that holds NaN as well: both are null in JSON", "Mask the NaN too."
            )
        return super().describe_array(value, describe, path)

    def has_missing(self, value: Any) -> bool:
        """Whether a value is masked or NaN."""
        return bool(value.mask.any()) or super().has_missing(value.compressed())

    def missing_of(self, value: Any) -> Missing:
        """Return the kind of missing value in the array."""
        return Missing.MASKED if value.mask.any() else super().missing_of(value)

    def record(self, value: object, i: int) -> Any:
        """Return a row, or a value that is `None` where it is masked."""
        return _without_mask(super().record(value, i))

    def rows(self, value: object, schema: Schema) -> list[object]:
        """Return the rows, or the values."""
        return [_without_mask(row) for row in super().rows(value, schema)]

    def to_lists(self, value: Any) -> Any:
        """Return nested lists, with `None` for masked values."""
        return [_without_mask(item) if value.ndim == 1 else self.to_lists(item) for item in value]


def _without_mask(item: object) -> object:
    return None if is_a(item, "numpy.MaskedConstant") else item
