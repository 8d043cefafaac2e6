# ruff: noqa: S311 - the rows are no secrets
"""Rows to compare on: the recorded ones, and made-up ones at the edges of what the schema takes."""

import json
import math
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from tests.fast.fields import FIELDS
from tests.service import RECORDED

TINY = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 1e-45, 1e-38, 1e-12]
HUGE = [
    2.0**24 + 1, 2.0**31, 2.0**53 + 1, 1e9, 1e15, 3.4028234663852886e38, 3.5e38, 1e100, 1e300,
    1.7976931348623157e308,
]  # fmt: skip
WHOLE = [0, 1, -1, 127, 128, 255, 256, 2**24 + 1, 2**31, 2**53 + 1, 2**63 - 1]
GROUPS = ("usual", "missing", "unknown", "edge", "extreme")
TEXTS = ["", " ", "unseen", "UNSEEN", "nan", "None", "0", "é", "\u65e5\u672c", "x" * 300]


def recorded_rows() -> list[Any]:
    """Return the rows of tests/recorded.json."""
    return [row_of(each) for each in json.loads(RECORDED.read_text(encoding="utf-8"))["requests"]]


def row_of(request: dict[str, Any]) -> Any:
    """Return a request with the attributes of a record."""
    return SimpleNamespace(**{field["attribute"]: request[field["name"]] for field in FIELDS})


def made_up_rows(count: int, seed: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield groups of rows: each known category, usual values, each kind of unusual ones, mixed."""
    random.seed(seed)
    recorded = recorded_rows()
    seen = {
        field["attribute"]: [getattr(row, field["attribute"]) for row in recorded]
        for field in FIELDS
    }
    yield "category", [usual_row(seen, changed) for changed in each_category(seen)]
    for group in (*GROUPS, "mixed"):
        rows = [vars(usual_row(seen, {})) for _ in range(math.ceil(count / (len(GROUPS) + 1)))]
        for row in rows:
            for field in random.sample(FIELDS, random.randint(1, len(FIELDS))):
                kind = random.choice(GROUPS) if group == "mixed" else group
                row[field["attribute"]] = value_of(field, seen, kind)
        yield group, [SimpleNamespace(**row) for row in rows]


def usual_row(seen: dict[str, list[Any]], changed: dict[str, Any]) -> Any:
    """Return a row of usual values, but for those that are changed."""
    usual = {field["attribute"]: value_of(field, seen, "usual") for field in FIELDS}
    return SimpleNamespace(**{**usual, **changed})


def each_category(seen: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield each known category of each field, after the attribute of the field."""
    for field in FIELDS:
        name = field["attribute"]
        if field["length"] is None:
            yield from ({name: value} for value in field["known"] if may_have(field, value))
        else:
            for i, known in enumerate(field["known"]):
                for number in (each for each in known if may_have(field, each)):
                    values = value_of(field, seen, "usual")
                    values[i] = number
                    yield {name: values}


def may_have(field: dict[str, Any], value: Any) -> bool:
    """Whether a field takes a value that an encoder knows, which may be one of another step."""
    if field["kind"] not in ("integer", "number"):
        return True
    is_whole = field["kind"] == "number" or value == round(value)
    return bool(field["minimum"] <= value <= field["maximum"]) and is_whole


def value_of(field: dict[str, Any], seen: dict[str, list[Any]], group: str) -> Any:
    """Return a value of a field, a list of values if it holds several."""
    values = seen[field["attribute"]]
    if field["length"] is None:
        return one_value(field, values, group)
    width = field["length"]
    places = [{**field, "known": field["known"][i] if field["known"] else []} for i in range(width)]
    columns = [[each[i] for each in values] for i in range(width)]
    usual = [one_value(places[i], columns[i], "usual") for i in range(width)]
    for i in random.sample(range(width), random.randint(1, width)):
        usual[i] = one_value(places[i], columns[i], group)
    return usual


def one_value(field: dict[str, Any], seen: list[Any], group: str) -> Any:
    """Return a value: one that was seen or is between such, or an unusual one of the group."""
    known = field["known"] + [value for value in seen if value is not None]
    if group == "missing" and field["nullable"]:
        return None
    if field["kind"] == "boolean":
        return random.random() < 0.5
    if field["closed"] and known:
        return random.choice(known)
    if field["kind"] == "text":
        if group in ("usual", "missing") or not known:
            return random.choice(known or [""])
        some = str(random.choice(known))
        return random.choice([*TEXTS, some.upper(), some + " ", some[:-1], some])
    numbers = [value for value in seen if value is not None] or [0]
    known = known or numbers
    least, most = min(numbers), max(numbers)
    number = unusual_number(field, least, most, group)
    if number is None:
        number = random.choice(known) if random.random() < 0.5 else random.uniform(least, most)
    if field["kind"] == "integer":
        number = round(number)
    bounded = max(field["minimum"], min(field["maximum"], number))
    return bounded if field["kind"] == "integer" else float(bounded)


def unusual_number(field: dict[str, Any], least: float, most: float, group: str) -> Any:
    """Return a number of a group; None for a usual one."""
    if group == "unknown":
        return random.choice([least - 1, most + 1, most * 2 + 3, (least + most) / 2 + 0.5])
    if group == "edge" and field["kind"] == "integer":
        return random.choice([least, most, least - 1, most + 1, 0, 1, -1])
    if group == "edge":
        ends = [float(least), float(most), *TINY]
        end = random.choice(ends)
        return random.choice([end, math.nextafter(end, -math.inf), math.nextafter(end, math.inf)])
    if group == "extreme":
        numbers = WHOLE if field["kind"] == "integer" else HUGE
        return random.choice(numbers) * random.choice([1, -1])
    return None
