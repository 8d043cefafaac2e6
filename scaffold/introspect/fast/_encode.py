"""Categories."""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import constant, fast_step, refuse, require
from scaffold.spec import Constant, FastStep, JSONValue


def read_one_hot(step: Any, numeric: bool) -> FastStep:  # noqa: ARG001 - it takes both
    """Return a OneHotEncoder without rare categories."""
    infrequent = attribute(step, "infrequent_categories_") or []
    require(step, all(each is None for each in infrequent), "rare categories")
    ways = ("error", "ignore", "infrequent_if_exist", "warn")
    require(step, step.handle_unknown in ways, f"handle_unknown={step.handle_unknown!r}")
    categories, missing = _categories(step)
    dropped = [None] * len(missing) if step.drop_idx_ is None else step.drop_idx_.tolist()
    return fast_step(
        "OneHotEncoder",
        *categories,
        missing=missing,
        dropped=[-1 if index is None else int(index) for index in dropped],
        refuse_unknown=step.handle_unknown == "error",
        dtype=_dtype(step),
    )


def read_ordinal(step: Any, numeric: bool) -> FastStep:  # noqa: ARG001 - it takes both
    """Return an OrdinalEncoder without rare categories."""
    infrequent = attribute(step, "infrequent_categories_") or []
    require(step, all(each is None for each in infrequent), "rare categories")
    categories, missing = _categories(step)
    replaces = step.handle_unknown == "use_encoded_value"
    return fast_step(
        "OrdinalEncoder",
        *categories,
        missing=missing,
        unknown_value=_number(step.unknown_value) if replaces else None,
        missing_value=_number(step.encoded_missing_value),
        dtype=_dtype(step),
    )


def _categories(step: Any) -> tuple[list[Constant], list[JSONValue]]:
    """Return the categories of each column, and whether a missing value is the last of them."""
    constants, missing = [], []
    for values in step.categories_:
        listed = values.tolist()
        absent = [value is None or value != value for value in listed]
        if any(absent[:-1]):
            raise refuse(step, "both None and NaN")
        is_missing = bool(absent) and absent[-1]
        kept = values[:-1] if is_missing else values
        constants.append(constant("categories", kept, listed=True))
        missing.append(is_missing)
    return constants, missing


def _dtype(step: Any) -> str:
    import numpy as np

    dtype = np.dtype(step.dtype)
    require(step, dtype.kind in "iuf", f"dtype={dtype}")
    return str(dtype)


def _number(value: Any) -> float | str:
    """Return the number; `nan` as text, since JSON has no such number."""
    return "nan" if value != value else float(value)
