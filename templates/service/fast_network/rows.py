"""Rows to compare on: the recorded ones, and made-up arrays at the edges of the schema."""

import json
from collections.abc import Iterator
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.fast.fields import FIELDS, SIZES
from tests.service import RECORDED

TINY = [0.0, -0.0, 1e-45, -1e-45, 1e-40, 1.1754943508222875e-38, 1e-12]
HUGE = [2.0**24 + 1, 2.0**31, 1e9, 1e15, 1e30, 3.4028234663852886e38]
WHOLE = [0, 1, -1, 127, 128, 255, 256, 2**24 + 1, 2**31, 2**53 + 1, 2**63 - 1]
VALUES = sum(prod(field["shape"]) for field in FIELDS)
MOST = 4_000_000  # values in all rows, which are fewer for large arrays


def recorded_rows() -> list[Any]:
    """Return the rows of tests/recorded.json."""
    return [row_of(each) for each in json.loads(RECORDED.read_text(encoding="utf-8"))["requests"]]


def row_of(request: dict[str, Any]) -> Any:
    """Return a request with the attributes of a record."""
    return SimpleNamespace(**{field["attribute"]: request[field["name"]] for field in FIELDS})


def made_up_rows(count: int, seed: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield two groups of rows: usual values, and unusual ones among them."""
    generator = np.random.default_rng(seed)
    each = max(SIZES[-1], min(count, MOST // VALUES) // 2)
    recorded = recorded_rows()
    seen = {
        field["attribute"]: np.array([getattr(row, field["attribute"]) for row in recorded])
        for field in FIELDS
    }
    for group, unusual in (("usual", False), ("unusual", True)):
        rows = []
        for _ in range(each):
            arrays = {
                field["attribute"]: made_up(field, seen[field["attribute"]], generator, unusual)
                for field in FIELDS
            }
            rows.append(SimpleNamespace(**{name: array.tolist() for name, array in arrays.items()}))
        yield group, rows


def made_up(
    field: dict[str, Any], seen: NDArray[Any], generator: np.random.Generator, unusual: bool
) -> NDArray[Any]:
    """Return an array: values that were seen in their places or between such, and unusual ones."""
    first, second = generator.choice(len(seen), 2)
    mixed = generator.random(field["shape"]) < generator.random()
    array = np.where(mixed, seen[first], seen[second])
    if field["kind"] == "boolean":
        return array ^ (generator.random(field["shape"]) < generator.random() / 2)
    least, most = seen.min(), seen.max()
    between = generator.uniform(float(least), float(most), field["shape"])
    is_whole = field["kind"] == "integer"
    between = between.round().astype(array.dtype) if is_whole else between
    array = np.where(generator.random(field["shape"]) < generator.random() / 2, between, array)
    if unusual:
        choices = unusual_numbers(field, least.item(), most.item(), generator)
        share = generator.choice([1 / array.size, 0.01, 0.1, 1.0])
        places = generator.random(field["shape"]) < share
        places.flat[generator.integers(array.size)] = True
        array = np.where(places, generator.choice(choices, field["shape"]), array)
    return array


def unusual_numbers(
    field: dict[str, Any], least: float, most: float, generator: np.random.Generator
) -> list[Any]:
    """Return numbers of one kind for the field: outside the range, at its ends, tiny or huge."""
    outside = [least - 1, most + 1, most * 2 + 3]
    if field["kind"] == "integer":
        kinds = [outside, [least, most, 0, 1, -1], WHOLE + [-number for number in WHOLE]]
    else:
        ends = np.array([least, most], dtype=np.float32)
        nearby = [np.nextafter(ends, np.float32(side)) for side in (-np.inf, np.inf)]
        kinds = [
            outside,
            [*ends.tolist(), *np.concatenate(nearby).tolist()],
            TINY,
            HUGE + [-number for number in HUGE],
        ]
    chosen = kinds[generator.integers(len(kinds))]
    return [max(field["minimum"], min(field["maximum"], number)) for number in chosen]
