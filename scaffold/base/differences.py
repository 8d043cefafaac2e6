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
    got: JSONValue
    wanted: JSONValue
    of_length: bool = False
    """Whether two lists are of different length, and `got` and `wanted` are their lengths."""


def first_difference(got: JSONValue, wanted: JSONValue) -> Difference | None:
    """Return the first place where `got` is not `wanted`, or None."""
    return next(differences(got, wanted), None)


def differences(
    got: JSONValue, wanted: JSONValue, path: str = "", scale: float = 1.0
) -> Iterator[Difference]:
    """Yield the places where `got` is not `wanted`.

    An integer and a float are compared as floats; a boolean is the same as nothing but itself. Floats may
    differ by `TOLERANCE`, relative to the value, to the largest number beside it, or to 1, whichever is most:
    a float32 sum over many terms has no more digits than that.

    Args:
        got: One answer.
        wanted: The other.
        path: Where they stand, as the result names it.
        scale: The largest number that stands beside them.
    """
    if isinstance(wanted, dict) and isinstance(got, dict):
        # Numbers under different names have different scales.
        for key in [*wanted, *(key for key in got if key not in wanted)]:
            if key in got and key in wanted:
                yield from differences(got[key], wanted[key], f"{path}.{key}")
            else:
                yield Difference(f"{path}.{key}", got.get(key, "(absent)"), wanted.get(key, "(absent)"))
    elif isinstance(wanted, list) and isinstance(got, list):
        if len(got) != len(wanted):
            yield Difference(f"{path} (length)", len(got), len(wanted), of_length=True)
            return
        scale = _largest(wanted)
        for i, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from differences(one, other, f"{path}[{i}]", scale)
    elif not _same_scalar(got, wanted, scale):
        yield Difference(path, got, wanted)


def _largest(values: Iterable[JSONValue]) -> float:
    return max((abs(value) for value in values if isinstance(value, float)), default=1.0)


def _same_scalar(got: JSONValue, wanted: JSONValue, scale: float) -> bool:
    if isinstance(got, bool) or isinstance(wanted, bool):
        return got is wanted
    if isinstance(got, float) or isinstance(wanted, float):
        return (
            isinstance(got, int | float)
            and isinstance(wanted, int | float)
            and math.isclose(got, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * max(scale, 1.0))
        )
    return type(got) is type(wanted) and got == wanted
