"""What the steps share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def stack(columns: Mapping[str, NDArray[Any]], *names: str, dtype: Any = None) -> NDArray[Any]:
    """Return columns of numbers as one array; integers beside floats become floats."""
    chosen = [columns[name] for name in names]
    if dtype is None:
        return np.array(chosen).T
    with np.errstate(over="ignore"):
        return np.array(chosen, dtype=dtype).T


def pick(columns: Mapping[str, NDArray[Any]], *names: str) -> list[NDArray[Any]]:
    """Return columns that may hold text, each as an array of its own."""
    return [columns[name] for name in names]


def floats(x: NDArray[Any]) -> NDArray[Any]:
    """Return a copy as floats, in the same order in memory: another may change the last bit."""
    return x.astype(np.float64) if x.dtype.kind != "f" else x.copy(order="K")


def require_finite(x: NDArray[Any], *, nan: bool = False) -> NDArray[Any]:
    """Return the array.

    Raises:
        ValueError: It holds infinity, or NaN where that is not allowed.
    """
    wrong = np.isinf(x) if nan else ~np.isfinite(x)
    if np.count_nonzero(wrong):  # faster than `any` for one row
        raise ValueError("the model takes no infinite number" if nan else "a number is missing")
    return x


def split(x: NDArray[Any] | Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the columns of an array, or columns as they are; numbers are finite or NaN."""
    columns = x.T if isinstance(x, np.ndarray) else x
    return [require_finite(each, nan=True) if each.dtype.kind == "f" else each for each in columns]


def exp(x: NDArray[Any]) -> NDArray[Any]:
    """Return e to the power of x, computed in 64 bits and then rounded."""
    with np.errstate(over="ignore"):
        return np.exp(x.astype(np.float64, copy=False)).astype(x.dtype, copy=False)


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """Return 1 / (1 + exp(-x)), which is 0 where the power is too large for a float."""
    return 1.0 / (1.0 + exp(-x))


def softmax(x: NDArray[Any]) -> NDArray[Any]:
    """Return exp(x), each row divided by its sum."""
    powers = exp(x - x.max(axis=1, keepdims=True))
    sums = powers.sum(axis=1, keepdims=True, dtype=np.float64)
    return powers / sums.astype(x.dtype)


def decide(sums: NDArray[Any], classes: NDArray[Any]) -> NDArray[Any]:
    """Return the class of the highest sum for each row: of two the second for a sum above 0."""
    return classes[(sums > 0).astype(np.intp) if sums.ndim == 1 else sums.argmax(axis=1)]
