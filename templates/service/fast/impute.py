"""Missing values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import floats, require_finite


class SimpleImputer:
    """A number in place of each missing one."""

    def __init__(self, fill: NDArray[Any]) -> None:
        self.fill = fill

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array without missing values."""
        x = require_finite(floats(x), nan=True)
        return np.where(np.isnan(x), self.fill.astype(x.dtype), x)


class IndicatingImputer:
    """A number in place of each missing one, and further columns: 1.0 where a value was missing."""

    def __init__(self, fill: NDArray[Any], indicated: NDArray[Any]) -> None:
        self.fill, self.indicated = fill, indicated

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array without missing values, and the further columns."""
        x = require_finite(floats(x), nan=True)
        missing = np.isnan(x)
        filled = np.where(missing, self.fill.astype(x.dtype), x)
        return np.hstack([filled, missing[:, self.indicated]])


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
