"""Values between or near those of a sample: numbers, decimals, texts, images."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable
from typing import Any

from scaffold.introspect import _checks

_SPREAD = 0.5
"""Relative change of a number that is the same in every row."""
_WHOLE_SPREAD = 0.1
"""The same for a whole number, which may be a year or a code."""


def array_between(first: Any, second: Any, share: float) -> object:
    """Interpolate between two rows of an array; return a row near the first if both are equal."""
    is_tensor = _checks.is_a(first, "torch.Tensor")
    is_float = first.is_floating_point() if is_tensor else first.dtype.kind == "f"
    if not is_float and (
        first.is_complex() or str(first.dtype) == "torch.bool" if is_tensor else first.dtype.kind not in "iu"
    ):
        return second
    start = first * 1.0
    if bool((first == second).all()):
        step = abs(start) * _SPREAD + (start == 0) if is_float else abs(start) * _WHOLE_SPREAD + 1
        moved = start + step * (2 * share - 1)
        moved = moved.clip(0) if bool((first >= 0).all()) else moved
    else:
        moved = start + (second * 1.0 - start) * share
    moved = moved if is_float else moved.round()
    return moved.to(first.dtype) if is_tensor else moved.astype(first.dtype)


def _decimal_between(first: decimal.Decimal, second: decimal.Decimal, share: float) -> decimal.Decimal:
    """Interpolate between two Decimals, with the exponent of the first."""
    step = second - first or abs(first) * decimal.Decimal(_SPREAD) or decimal.Decimal(1)
    exponent = first.as_tuple().exponent
    assert isinstance(exponent, int)
    with decimal.localcontext() as context:
        context.prec = max(28, len(first.as_tuple().digits) + abs(exponent) + 2)
        return (first + step * decimal.Decimal(share)).quantize(decimal.Decimal((0, (1,), exponent)))


def _image_between(first: Any, second: Any, share: float) -> object:
    """Blend two images, in the size and mode of the first; blend equal images with the mirror image."""
    from PIL import Image, ImageOps

    second = ImageOps.mirror(first) if first == second else second.resize(first.size).convert(first.mode)
    # Pillow blends 8-bit channels only.
    return Image.blend(first, second, share) if first.mode in ("L", "LA", "RGB", "RGBA") else second


def spliced_text(first: str, second: str, share: float) -> str:
    """Join the first words of one text and the last of the other; rotate the words if both are equal."""
    first_words, second_words = (
        (first.split(), second.split()) if " " in first.strip() else (list(first), list(second))
    )
    glue = " " if " " in first.strip() else ""
    cut = max(1, round(share * len(first_words)))
    return glue.join(
        [*first_words[cut:], *first_words[:cut]]
        if first == second
        else [*first_words[:cut], *second_words[len(second_words) // 2 :]]
    )


def value_between(first: Any, second: Any, share: float) -> object:
    """Interpolate between two values of one type, or near an equal pair; pick one of any other pair."""
    if isinstance(first, bool) or (type(first) is not type(second) and not _checks.is_a(first, "PIL.Image")):
        return first if share < 0.5 else second
    if _checks.is_a(first, "numpy.floating", "numpy.integer"):
        return type(first)(value_between(first.item(), second.item(), share))
    if _checks.is_a(first, "PIL.Image"):
        return _image_between(first, second, share)
    if isinstance(first, decimal.Decimal) and first.is_finite() and second.is_finite():
        return _decimal_between(first, second, share)
    if isinstance(first, datetime.timedelta):
        return first + (second - first or first * _SPREAD or datetime.timedelta(days=1)) * share
    if isinstance(first, (int, float)) and math.isfinite(first) and math.isfinite(second):
        if first == second:
            whole = isinstance(first, int)
            step = abs(first) * _WHOLE_SPREAD + 1 if whole else abs(first) * _SPREAD + (first == 0)
            moved = first + step * (2 * share - 1)
            moved = max(0, moved) if first >= 0 else moved
            moved = first + 1 if whole and round(moved) == first else moved
        else:
            moved = first + (second - first) * share
        return round(moved) if isinstance(first, int) else float(moved)
    if isinstance(first, (datetime.datetime, datetime.date)) and first == first and second == second:
        apart = (second - first).total_seconds() if first != second else 9 * 86_400
        return first + datetime.timedelta(seconds=round(apart * share))
    moves: dict[type, Callable[[], Any]] = {
        dict: lambda: {
            key: value_between(value, second.get(key, value), share) for key, value in first.items()
        },
        list: lambda: (
            [value_between(a, b, share) for a, b in zip(first, second, strict=True)]
            if len(first) == len(second)
            else first
        ),
    }
    return moves[type(first)]() if type(first) in moves else (first if share < 0.5 else second)
