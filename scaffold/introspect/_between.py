"""Values between or near those of a sample: numbers, decimals, texts, images."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable
from typing import Any

from scaffold.introspect import _kinds

_SPREAD = 0.5
"""How far a number that is the same in every row is moved, relative to its size."""
_WHOLE_SPREAD = 0.1
"""The same for a whole number, which may be a year or a code."""


def array_between(one: Any, other: Any, share: float) -> object:
    """Return the row of an array that lies between two, or beside one that has no other."""
    is_tensor = _kinds.kin(one, "torch.Tensor")
    is_float = one.is_floating_point() if is_tensor else one.dtype.kind == "f"
    if not is_float and (
        one.is_complex() or str(one.dtype) == "torch.bool" if is_tensor else one.dtype.kind not in "iu"
    ):
        return other
    start = one * 1.0
    if bool((one == other).all()):
        step = abs(start) * _SPREAD + (start == 0) if is_float else abs(start) * _WHOLE_SPREAD + 1
        moved = start + step * (2 * share - 1)
        moved = moved.clip(0) if bool((one >= 0).all()) else moved
    else:
        moved = start + (other * 1.0 - start) * share
    moved = moved if is_float else moved.round()
    return moved.to(one.dtype) if is_tensor else moved.astype(one.dtype)


def _decimal_between(one: decimal.Decimal, other: decimal.Decimal, share: float) -> decimal.Decimal:
    """Return a Decimal between two, with as many digits behind the point as the first."""
    step = other - one or abs(one) * decimal.Decimal(_SPREAD) or decimal.Decimal(1)
    exponent = one.as_tuple().exponent
    assert isinstance(exponent, int)
    with decimal.localcontext() as context:
        context.prec = max(28, len(one.as_tuple().digits) + abs(exponent) + 2)
        return (one + step * decimal.Decimal(share)).quantize(decimal.Decimal((0, (1,), exponent)))


def _image_between(one: Any, other: Any, share: float) -> object:
    """Return a mixture of two images, like the first in size and mode; of one image and its mirror image."""
    from PIL import Image, ImageOps

    other = ImageOps.mirror(one) if one == other else other.resize(one.size).convert(one.mode)
    # Pixels that are not of one byte cannot be mixed.
    return Image.blend(one, other, share) if one.mode in ("L", "LA", "RGB", "RGBA") else other


def spliced_text(one: str, other: str, share: float) -> str:
    """Return the first words of one text and the last of the other; of one text its words rotated."""
    first, last = (one.split(), other.split()) if " " in one.strip() else (list(one), list(other))
    glue = " " if " " in one.strip() else ""
    cut = max(1, round(share * len(first)))
    return glue.join(
        [*first[cut:], *first[:cut]] if one == other else [*first[:cut], *last[len(last) // 2 :]]
    )


def value_between(one: Any, other: Any, share: float) -> object:
    """Return a value between two of the same type, near it where they are the same; others as they are."""
    if isinstance(one, bool) or (type(one) is not type(other) and not _kinds.kin(one, "PIL.Image")):
        return one if share < 0.5 else other
    if _kinds.kin(one, "numpy.floating", "numpy.integer"):
        return type(one)(value_between(one.item(), other.item(), share))
    if _kinds.kin(one, "PIL.Image"):
        return _image_between(one, other, share)
    if isinstance(one, decimal.Decimal) and one.is_finite() and other.is_finite():
        return _decimal_between(one, other, share)
    if isinstance(one, datetime.timedelta):
        return one + (other - one or one * _SPREAD or datetime.timedelta(days=1)) * share
    if isinstance(one, (int, float)) and math.isfinite(one) and math.isfinite(other):
        if one == other:
            whole = isinstance(one, int)
            step = abs(one) * _WHOLE_SPREAD + 1 if whole else abs(one) * _SPREAD + (one == 0)
            moved = one + step * (2 * share - 1)
            moved = max(0, moved) if one >= 0 else moved
            moved = one + 1 if whole and round(moved) == one else moved
        else:
            moved = one + (other - one) * share
        return round(moved) if isinstance(one, int) else float(moved)
    if isinstance(one, (datetime.datetime, datetime.date)) and one == one and other == other:
        apart = (other - one).total_seconds() if one != other else 9 * 86_400
        return one + datetime.timedelta(seconds=round(apart * share))
    moves: dict[type, Callable[[], Any]] = {
        dict: lambda: {key: value_between(value, other.get(key, value), share) for key, value in one.items()},
        list: lambda: (
            [value_between(a, b, share) for a, b in zip(one, other, strict=True)]
            if len(one) == len(other)
            else one
        ),
    }
    return moves[type(one)]() if type(one) in moves else (one if share < 0.5 else other)
