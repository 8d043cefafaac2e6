"""Scales."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import floats, require_finite


class StandardScaler:
    """Subtract the mean of each column, and divide by its standard deviation."""

    def __init__(self, mean: NDArray[Any] | None = None, scale: NDArray[Any] | None = None) -> None:
        self.mean, self.scale = mean, scale

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array, scaled."""
        x = require_finite(floats(x), nan=True)
        if self.mean is not None:
            x -= self.mean.astype(x.dtype, copy=False)
        if self.scale is not None:
            x /= self.scale.astype(x.dtype, copy=False)
        return x


class RobustScaler:
    """Subtract the center of each column, and divide by its scale."""

    def __init__(
        self, center: NDArray[Any] | None = None, scale: NDArray[Any] | None = None
    ) -> None:
        self.center, self.scale = center, scale

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array, scaled."""
        x = require_finite(floats(x), nan=True)
        if self.center is not None:
            x -= self.center
        if self.scale is not None:
            x /= self.scale
        return x


class MinMaxScaler:
    """Bring each column into a range."""

    def __init__(
        self, scale: NDArray[Any], shift: NDArray[Any], clip: list[float] | None = None
    ) -> None:
        self.scale, self.shift, self.clip = scale, shift, clip

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array, scaled."""
        x = require_finite(floats(x), nan=True)
        x *= self.scale
        x += self.shift
        return x if self.clip is None else np.clip(x, *self.clip)


class Normalizer:
    """Divide each row by its length."""

    def __init__(self, norm: str) -> None:
        self.norm = norm

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the array, scaled."""
        x = require_finite(floats(x))
        if self.norm == "l1":
            lengths = np.abs(x).sum(axis=1)
        elif self.norm == "l2":
            lengths = np.sqrt(np.einsum("ij,ij->i", x, x))
        else:
            lengths = np.abs(x).max(axis=1)
        lengths[lengths < 10 * np.finfo(lengths.dtype).eps] = 1.0
        return x / lengths[:, None]
