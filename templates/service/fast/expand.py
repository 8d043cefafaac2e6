"""Other columns from columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .common import floats, require_finite


class PolynomialFeatures:
    """Products of columns."""

    def __init__(self, parents: NDArray[Any], factors: NDArray[Any]) -> None:
        self.products = list(zip(parents.tolist(), factors.tolist(), strict=True))

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the products: each is an earlier one (1.0 for none) times a column."""
        x = require_finite(floats(x))
        made = np.empty((len(x), len(self.products)), dtype=x.dtype)
        for i, (parent, factor) in enumerate(self.products):
            if factor < 0:
                made[:, i] = 1.0
            elif parent < 0:
                made[:, i] = x[:, factor]
            else:
                made[:, i] = made[:, parent] * x[:, factor]
        return made


class Selection:
    """Some of the columns."""

    def __init__(self, chosen: NDArray[Any], nan: bool) -> None:
        self.chosen, self.nan = chosen, nan

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the chosen columns."""
        return require_finite(x, nan=self.nan)[:, self.chosen]


class PCA:
    """Principal components."""

    def __init__(
        self,
        components: NDArray[Any],
        mean: NDArray[Any],
        scale: NDArray[Any] | None = None,
    ) -> None:
        self.components, self.scale = components.T, scale
        self.shift = mean.reshape(1, -1) @ self.components

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the components of each row."""
        made = require_finite(floats(x)) @ self.components
        made -= self.shift
        if self.scale is not None:
            made /= self.scale
        return made


class ElementFunction:
    """A function of numpy, of each value."""

    def __init__(self, ufunc: str) -> None:
        self.ufunc = getattr(np, ufunc)

    def transform(self, x: NDArray[Any] | Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the values of the function; each column is computed in its own dtype."""
        if isinstance(x, np.ndarray):
            return self.ufunc(x)
        return np.stack([self.ufunc(column) for column in x]).T
