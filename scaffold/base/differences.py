"""Where two JSON answers differ. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scaffold.spec import TOLERANCE, JSONValue


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ."""

    path: str
    actual: JSONValue
    expected: JSONValue
    of_length: bool = False
    """Whether two lists are of different length, and `actual` and `expected` are their lengths."""


def first_difference(actual: JSONValue, expected: JSONValue) -> Difference | None:
    """Return the first place where `actual` is not `expected`, or None."""
    return next(differences(actual, expected), None)


def differences(
    actual: JSONValue, expected: JSONValue, path: str = "", scale: float = 1.0
) -> Iterator[Difference]:
    """Yield the places where `actual` is not `expected`.

    An integer and a float are compared as floats; a boolean is the same as nothing but itself. Floats may
    differ by `TOLERANCE`, relative to the value, to the largest number beside it, or to 1, whichever is most:
    a float32 sum over many terms has no more digits than that.

    Args:
        actual: One answer.
        expected: The other.
        path: Where they stand, as the result names it.
        scale: The largest number that stands beside them.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        # Numbers under different names have different scales.
        for key in [*expected, *(key for key in actual if key not in expected)]:
            if key in actual and key in expected:
                yield from differences(actual[key], expected[key], f"{path}.{key}")
            else:
                yield Difference(f"{path}.{key}", actual.get(key, "(absent)"), expected.get(key, "(absent)"))
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(actual) != len(expected):
            yield Difference(f"{path} (length)", len(actual), len(expected), of_length=True)
            return
        scale = _largest(expected)
        for i, (left, right) in enumerate(zip(actual, expected, strict=True)):
            yield from differences(left, right, f"{path}[{i}]", scale)
    elif not _same_scalar(actual, expected, scale):
        yield Difference(path, actual, expected)


def _largest(values: Iterable[JSONValue]) -> float:
    return max((abs(value) for value in values if isinstance(value, float)), default=1.0)


def _same_scalar(actual: JSONValue, expected: JSONValue, scale: float) -> bool:
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, float) or isinstance(expected, float):
        return (
            isinstance(actual, int | float)
            and isinstance(expected, int | float)
            and math.isclose(actual, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE * max(scale, 1.0))
        )
    return type(actual) is type(expected) and actual == expected
