"""Masked arrays of numpy."""

from __future__ import annotations

from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._kin import kin
from scaffold.introspect.kinds._kind import Describe
from scaffold.introspect.kinds.numpy import NumpyKind
from scaffold.spec import Missing, Schema, Tensor


class MaskedKind(NumpyKind):
    """numpy, with a mask over the values that are missing."""

    arrays = ("numpy.MaskedArray",)

    def describe_array(self, value: Any, describe: Describe, path: str) -> Tensor:
        """Return one array as a whole.

        Raises:
            UnsupportedSampleError: It holds NaN beside what the mask hides: both would be `null`.
        """
        if value.mask.any() and super().has_missing(value.compressed()):
            raise UnsupportedSampleError(
                path, "a masked array that holds NaN as well: both are null in JSON", "Mask the NaN too."
            )
        return super().describe_array(value, describe, path)

    def has_missing(self, value: Any) -> bool:
        """Whether the mask hides something, or there is NaN."""
        return bool(value.mask.any()) or super().has_missing(value.compressed())

    def missing_of(self, value: Any) -> Missing:
        """Return how the array says that a value is missing."""
        return Missing.MASKED if value.mask.any() else super().missing_of(value)

    def record(self, value: object, i: int) -> Any:
        """Return a row, or a value that is `None` where it is masked."""
        return _without_mask(super().record(value, i))

    def rows(self, value: object, schema: Schema) -> list[object]:
        """Return the rows, or the values."""
        return [_without_mask(row) for row in super().rows(value, schema)]

    def listed(self, value: Any) -> Any:
        """Return nested lists, `None` for what is masked."""
        return [_without_mask(item) if value.ndim == 1 else self.listed(item) for item in value]


def _without_mask(item: object) -> object:
    return None if kin(item, "numpy.MaskedConstant") else item
