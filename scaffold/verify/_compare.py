"""Where two JSON answers differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scaffold.spec import JSONValue

TOLERANCE = 1e-6
"""Relative, for floats; integers, labels and texts are compared exactly."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two answers differ."""

    path: str
    got: JSONValue
    wanted: JSONValue


def first_difference(got: JSONValue, wanted: JSONValue, path: str = "") -> Difference | None:
    """Return the first place where `got` is not `wanted`, or None.

    An integer and a float are compared as floats; a boolean is the same as nothing but itself.
    """
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in [*wanted, *(key for key in got if key not in wanted)]:
            if key not in got or key not in wanted:
                return Difference(f"{path}.{key}", got.get(key, "(absent)"), wanted.get(key, "(absent)"))
            if found := first_difference(got[key], wanted[key], f"{path}.{key}"):
                return found
        return None
    if isinstance(wanted, list) and isinstance(got, list):
        if len(got) != len(wanted):
            return Difference(f"{path} (length)", len(got), len(wanted))
        pairs = enumerate(zip(got, wanted, strict=True))
        return next(
            (found for i, (one, other) in pairs if (found := first_difference(one, other, f"{path}[{i}]"))),
            None,
        )
    return None if _same_scalar(got, wanted) else Difference(path, got, wanted)


def _same_scalar(got: JSONValue, wanted: JSONValue) -> bool:
    if isinstance(got, bool) or isinstance(wanted, bool):
        return got is wanted
    if isinstance(got, float) or isinstance(wanted, float):
        return (
            isinstance(got, int | float)
            and isinstance(wanted, int | float)
            and math.isclose(got, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-6)
        )
    return type(got) is type(wanted) and got == wanted
