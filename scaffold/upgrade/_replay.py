"""Compare the answers of two models to the old requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.base.differences import Difference, differences
from scaffold.spec import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The differences between the answers of two models to the same requests."""

    compared: int
    differing: int
    """How many requests are answered differently."""
    largest: float
    """The largest difference of two numbers."""
    where: str
    """The request and the path of the largest difference, or of the first if no numbers differ."""
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
    """Compare the answers of two models; None stands for a request that the new model refuses."""
    compared = differing = 0
    worst = Replay(compared=0, differing=0, largest=-1.0, where="")
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if after is None:
            continue
        compared += 1
        changes = list(differences(after, before))
        differing += bool(changes)
        for each in changes:
            size = distance(each)
            if size > worst.largest:
                place = f", {each.path[1:]}" if each.path.startswith(".") else each.path
                worst = Replay(
                    compared=0,
                    differing=0,
                    largest=size,
                    where=f"request {index}{place}",
                    old=each.expected,
                    new=each.actual,
                )
    return Replay(
        compared=compared,
        differing=differing,
        largest=max(worst.largest, 0.0),
        where=worst.where,
        old=worst.old,
        new=worst.new,
    )


def distance(difference: Difference) -> float:
    """Return the difference of two numbers; 0 for other values, so that numbers rank first."""
    values = difference.actual, difference.expected
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    distance = abs(numbers[0] - numbers[1]) if len(numbers) == 2 and not difference.of_length else 0.0
    return distance if math.isfinite(distance) else math.inf
