"""Missing values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import floats, require_finite


class SimpleImputer:
    """A number in place of each missing one."""

    def __init__(self, fill: NDArray[Any], keeps_integers: bool = False) -> None:
        self.fill, self.keeps_integers = fill, keeps_integers

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array without missing values, of which integers have none."""
        if self.keeps_integers and x.dtype.kind in "iu":
            return x
        x = require_finite(x if x.dtype.kind == "f" else floats(x), nan=True)
        return np.where(np.isnan(x), self.fill.astype(x.dtype, copy=False), x)


class IndicatingImputer(SimpleImputer):
    """A number in place of each missing one, and further columns: 1.0 where a value was missing."""

    def __init__(self, fill: NDArray[Any], indicated: NDArray[Any], **imputer: Any) -> None:
        super().__init__(fill, **imputer)
        self.indicated = indicated

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array without missing values, and the further columns."""
        return np.hstack([super().transform(x), np.isnan(x[:, self.indicated])])


class TextImputer:
    """A value in place of each missing one, in columns that may hold text."""

    def __init__(self, fill: Sequence[Any]) -> None:
        self.fill = fill

    def transform(self, x: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the columns without missing values."""
        return [
            np.array(
                [fill if value is None or value != value else value for value in column.tolist()],
                dtype=object,
            )
            for column, fill in zip(x, self.fill, strict=True)
        ]


class SparseZeros:
    """NaN in place of each 0: XGBoost takes the zeros of a sparse matrix for missing values."""

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array with NaN for 0."""
        x = floats(x)
        x[x == 0] = np.nan
        return x
