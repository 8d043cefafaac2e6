"""Old requests, answered by both models: how far apart the answers are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scaffold.spec import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The answers of two models to the same requests."""

    compared: int
    differing: int
    """How many requests are answered differently."""
    largest: float
    """The largest difference of two numbers."""
    where: str
    """The request and the place of the largest difference, or of the first where no numbers differ."""
    old: JSONValue = None
    new: JSONValue = None

    def __str__(self) -> str:
        if not self.compared:
            return "no recorded request fits both models"
        if not self.differing:
            return f"both models answer {self.compared} recorded requests alike"
        return (
            f"{self.differing} of {self.compared} recorded requests are answered differently,"
            f" most at {self.where}: {self.old} -> {self.new}"
        )


def compare_answers(old: Sequence[JSONValue], new: Sequence[JSONValue | None]) -> Replay:
    """How far apart two models' answers are; a request that the new one refuses has None for an answer."""
    compared = differing = 0
    worst = Replay(compared=0, differing=0, largest=-1.0, where="")
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if after is None:
            continue
        compared += 1
        differences = list(_differences(f"request {index}", before, after))
        differing += bool(differences)
        for where, was, now in differences:
            size = _distance(was, now)
            if size > worst.largest:
                worst = Replay(compared=0, differing=0, largest=size, where=where, old=was, new=now)
    return Replay(
        compared=compared,
        differing=differing,
        largest=max(worst.largest, 0.0),
        where=worst.where,
        old=worst.old,
        new=worst.new,
    )


def _differences(where: str, old: JSONValue, new: JSONValue) -> Iterator[tuple[str, JSONValue, JSONValue]]:
    """The places where two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from _differences(f"{where}, {name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (was, now) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{where}[{index}]", was, now)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield where, old, new


def _distance(old: JSONValue, new: JSONValue) -> float:
    """The difference of two numbers; other values that differ are 0 apart, so that numbers come first."""
    numbers = [float(value) for value in (old, new) if isinstance(value, int | float)]
    distance = abs(numbers[0] - numbers[1]) if len(numbers) == 2 else 0.0
    return distance if math.isfinite(distance) else math.inf
