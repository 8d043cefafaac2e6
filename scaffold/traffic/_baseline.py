"""`model/baseline.json` of a project: read, and checked, for its owner may have edited it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scaffold.base.baseline import FORMAT
from scaffold.base.checked import read_below
from scaffold.base.layout import BASELINE
from scaffold.errors import EmptyBaselineError, InvalidBaselineError, NoBaselineError
from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, NumberBaseline


def read_baseline(root: Path) -> Baseline:
    """Return the baseline of the project `root`.

    Raises:
        NoBaselineError: The project has none.
        EmptyBaselineError: It has no field.
        InvalidBaselineError: Its file is not what this package writes there.
    """
    try:
        content = json.loads(read_below(root, BASELINE))
    except FileNotFoundError as error:
        raise NoBaselineError(str(root)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidBaselineError(str(root / BASELINE), str(error)) from error
    try:
        baseline = _baseline(content)
    except KeyError as error:
        raise InvalidBaselineError(str(root / BASELINE), f"{error} is missing") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidBaselineError(str(root / BASELINE), str(error)) from error
    if not (*baseline.fields, *baseline.predictions):
        raise EmptyBaselineError(str(root))
    return baseline


def _baseline(content: Any) -> Baseline:
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r}, this version reads {FORMAT}")
    rows = _count(content["rows"])
    return Baseline(
        rows=rows,
        made_from=str(content["made_from"]),
        fields=tuple(map(_field, content["fields"])),
        predictions=tuple(map(_field, content["predictions"])),
        predictions_from=str(content.get("predictions_from", content["made_from"])),
        predicted_rows=_count(content.get("predicted_rows", rows)),
    )


def _field(each: Any) -> FieldBaseline:
    name, missing = str(each["name"]), _share(each["missing"])
    if each["kind"] == "number":
        edges = tuple(map(_number, each["edges"]))
        shares = tuple(map(_share, each["shares"]))
        if len(shares) != len(edges) + 1 or list(edges) != sorted(set(edges)):
            raise ValueError(f"{name} has {len(edges)} edges and {len(shares)} shares")
        low, high = _number(each["min"]), _number(each["max"])
        _require_whole(name, shares)
        return NumberBaseline(name=name, missing=missing, min=low, max=high, edges=edges, shares=shares)
    if each["kind"] == "category":
        named = tuple((str(label), _share(share)) for label, share in each["shares"].items())
        other = _share(each["other"])
        _require_whole(name, [*(share for _, share in named), other])
        return CategoryBaseline(name=name, missing=missing, shares=named, other=other)
    raise ValueError(f"{name} is of the kind {each['kind']!r}, which is neither number nor category")


def _require_whole(name: str, shares: Sequence[float]) -> None:
    """Refuse shares that do not add up to 1; those of a field without any value add up to 0."""
    total = sum(shares)
    if total and not math.isclose(total, 1.0, abs_tol=0.02):
        raise ValueError(f"the shares of {name} add up to {total:.3g}, not to 1")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _share(value: Any) -> float:
    share = _number(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{value!r} is no share")
    return share


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of rows")
    return value
