"""The baseline of a service: the distributions of the fields and predictions of a sample or training data.

Privacy: no number of a baseline is that of one row. Quantiles and ranges are rounded, each bin has as many
rows as `_floor` says, and labels that are rarer are counted together. Free text is left out.
"""

from __future__ import annotations

import bisect
import decimal
import json
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from scaffold.spec import Baseline, CategoryBaseline, FieldBaseline, JSONValue, NumberBaseline

FORMAT = 1
MOST_FIELDS = 200
"""The most fields, and the most predictions; each is some ten series of Prometheus."""
MOST_ITEMS = 32
"""The longest list of numbers whose items are fields: `data.0`, `data.1`."""
_MOST_EDGES = 9
_MOST_LABELS = 50
_LONGEST_LABEL = 80
_FEWEST_ROWS = 5
_FEWEST_PERCENT = 1
LEAST_ROWS = 2 * _FEWEST_ROWS
"""A field with fewer values has no distribution."""
_DIGITS = 4
_SHARE_DIGITS = 6
_EXACT = decimal.Context(prec=700)
"""More digits than any float has."""

Columns = Mapping[str, Sequence[JSONValue]]
"""The values of each field by its name; None where a row has none."""


def columns_of(rows: Sequence[JSONValue]) -> dict[str, list[JSONValue]]:
    """Return the fields of requests or of answers, those of nested objects by dotted names.

    A list of numbers is a field for each item, `data.0`, if it has the same length in all rows. Other lists
    are left out.
    """
    flat = [dict(leaves_of(row)) for row in rows]
    columns: dict[str, list[JSONValue]] = {}
    for name in dict.fromkeys(name for row in flat for name in row):
        column = [row.get(name) for row in flat]
        if any(isinstance(value, list) for value in column):
            columns |= _items_of(name, column)
        else:
            columns[name] = column
    return columns


def leaves_of(value: JSONValue, name: str = "", *, most_items: int = 0) -> Iterator[tuple[str, JSONValue]]:
    """Yield the values in an object and in those within it, by dotted name.

    Args:
        value: The object, or any other value.
        name: Its name.
        most_items: How many items of a list are values of their own, `data.0`; with 0 a list is one value.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, f"{name}.{key}" if name else key, most_items=most_items)
    elif isinstance(value, list) and most_items:
        for index, item in enumerate(value[:most_items]):
            yield from leaves_of(item, f"{name}.{index}", most_items=most_items)
    else:
        yield name, value


def _items_of(name: str, column: Sequence[JSONValue]) -> dict[str, list[JSONValue]]:
    """Return a column for each item of a list of numbers; none where the length differs."""
    lists = [value for value in column if isinstance(value, list)]
    length = len(lists[0])
    if len(lists) < len(column) or length > MOST_ITEMS or any(len(each) != length for each in lists):
        return {}
    if any(isinstance(item, list | dict) for each in lists for item in each):
        return {}
    return {f"{name}.{index}": [each[index] for each in lists] for index in range(length)}


def summarize_columns(columns: Columns, labels: Collection[str] = ()) -> tuple[FieldBaseline, ...]:
    """Return the distribution of each column that has one: free text, dates and rare values have none.

    Args:
        columns: The values of each field.
        labels: Fields whose numbers are labels, such as the classes of a classifier.
    """
    found = []
    for name, values in columns.items():
        summary = _summarize(name, values, is_label=name in labels)
        if summary is not None:
            found.append(summary)
    return tuple(found[:MOST_FIELDS])


def _summarize(name: str, values: Sequence[JSONValue], *, is_label: bool) -> FieldBaseline | None:
    present = [value for value in values if value is not None]
    if len(present) < LEAST_ROWS:
        return None
    missing = _share(len(values) - len(present), len(values))
    kinds = {type(value) for value in present}
    if is_label or kinds <= {str, bool}:
        return _summarize_labels(name, missing, [label_of(value) for value in present])
    if kinds <= {int, float}:
        return _summarize_numbers(name, missing, [float(value) for value in present])  # type: ignore[arg-type]
    return None


def label_of(value: JSONValue) -> str:
    """Return a value as a label: text as it is, anything else as JSON has it."""
    return value if isinstance(value, str) else json.dumps(value)


def _floor(rows: int) -> int:
    """Return the fewest rows that are counted by themselves."""
    return max(_FEWEST_ROWS, math.ceil(rows * _FEWEST_PERCENT / 100))


def _share(count: int, rows: int) -> float:
    return round(count / rows, _SHARE_DIGITS)


def _summarize_labels(name: str, missing: float, labels: Sequence[str]) -> CategoryBaseline | None:
    rows, least = len(labels), _floor(len(labels))
    counts = Counter(labels)
    named = sorted(
        (label for label, count in counts.items() if count >= least and len(label) <= _LONGEST_LABEL),
        key=lambda label: (-counts[label], label),
    )
    other = rows - sum(counts[label] for label in named)
    if not named or len(named) > _MOST_LABELS or other * 2 > rows:
        return None  # free text
    return CategoryBaseline(
        name=name,
        missing=missing,
        shares=tuple((label, _share(counts[label], rows)) for label in named),
        other=_share(other, rows),
    )


def _summarize_numbers(name: str, missing: float, numbers: Sequence[float]) -> NumberBaseline | None:
    ordered = sorted(number for number in numbers if math.isfinite(number))
    rows = len(ordered)
    if rows < LEAST_ROWS:
        return None
    spread = ordered[-1] - ordered[0]
    edges: list[float] = []
    counts: list[int] = []
    for edge in _candidates(ordered, spread):
        below = bisect.bisect_right(ordered, edge)
        if below - sum(counts) >= _floor(rows) and rows - below >= _floor(rows):
            edges.append(edge)
            counts.append(below - sum(counts))
    return NumberBaseline(
        name=name,
        missing=missing,
        min=_rounded(ordered[0], spread, decimal.ROUND_FLOOR),
        max=_rounded(ordered[-1], spread, decimal.ROUND_CEILING),
        edges=tuple(edges),
        shares=tuple(_share(count, rows) for count in (*counts, rows - sum(counts))),
    )


def _candidates(ordered: Sequence[float], spread: float) -> list[float]:
    """Return the rounded quantiles of numbers in order, or all numbers but the greatest if they are few."""
    distinct = sorted(set(ordered))
    bins = _MOST_EDGES + 1
    if len(distinct) > bins:
        distinct = [ordered[len(ordered) * number // bins] for number in range(1, bins)]
    else:
        distinct = distinct[:-1]
    return sorted({_rounded(number, spread, decimal.ROUND_HALF_EVEN) for number in distinct})


def _rounded(number: float, spread: float, rounding: str) -> float:
    """Round to four digits: of the number, or of the spread where all numbers are alike, as times are."""
    sizes = [abs(size) for size in (number, spread) if size and math.isfinite(size)]
    if not number or not sizes:
        return number
    place = min(math.floor(math.log10(size)) for size in sizes) - _DIGITS + 1
    exponent = decimal.Decimal(1).scaleb(place)
    return float(decimal.Decimal(repr(number)).quantize(exponent, rounding, _EXACT))


def baseline_text(baseline: Baseline) -> str:
    """Return the baseline as JSON with one field a line, for its owner to read."""
    sections = {"fields": baseline.fields, "predictions": baseline.predictions}
    head: dict[str, JSONValue] = {
        "format": FORMAT,
        "rows": baseline.rows,
        "made_from": baseline.made_from,
        "predictions_from": baseline.predictions_from,
        "predicted_rows": baseline.predicted_rows,
    }
    lines = [f"  {json.dumps(key)}: {_text(value)}" for key, value in head.items()]
    for key, fields in sections.items():
        listed = ",\n".join(f"    {_text(_as_json(field))}" for field in fields)
        lines.append(f"  {json.dumps(key)}: [\n{listed}\n  ]" if fields else f"  {json.dumps(key)}: []")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _text(value: JSONValue) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _as_json(field: FieldBaseline) -> dict[str, JSONValue]:
    if isinstance(field, CategoryBaseline):
        shares: dict[str, JSONValue] = dict(field.shares)
        return {
            "name": field.name,
            "kind": "category",
            "missing": field.missing,
            "shares": shares,
            "other": field.other,
        }
    return {
        "name": field.name,
        "kind": "number",
        "missing": field.missing,
        "min": field.min,
        "max": field.max,
        "edges": list(field.edges),
        "shares": list(field.shares),
    }
