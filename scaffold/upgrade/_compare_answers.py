"""Compare the answers of two models to the same requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.base.differences import Difference, differences
from scaffold.spec import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerComparison:
    """The differences between the answers of two models to the same requests."""

    compared: int
    differing: int
    """The number of requests with different answers."""
    largest: float
    """The largest difference of two numbers."""
    largest_at: str
    """The place of the largest difference: `request 3, prediction`.

    The first place if no two numbers differ.
    """
    old: JSONValue = None
    """The value of the old answers at that place."""
    new: JSONValue = None
    """The value of the new answers at that place."""

    def __str__(self) -> str:
        if not self.compared:
            return "no recorded request fits both models"
        if not self.differing:
            return f"both models give the same answers to {self.compared} recorded requests"
        answered = f"{self.differing} of {self.compared} recorded requests are answered differently"
        return f"{answered}, {self.largest_change}"

    @property
    def largest_change(self) -> str:
        """The place of the largest difference, with both values."""
        return f"the largest difference at {self.largest_at}: {self.old} -> {self.new}"


def compare_answers(old: Sequence[JSONValue], new: Sequence[JSONValue | None]) -> AnswerComparison:
    """Compare the answers of two models.

    Args:
        old: The recorded answers.
        new: The new model's answers, in the same order; None for a refused request.
    """
    compared = differing = 0
    largest, largest_at = -1.0, ""
    old_value: JSONValue = None
    new_value: JSONValue = None
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if after is None:
            continue
        compared += 1
        changes = list(differences(after, before))
        differing += bool(changes)
        for change in changes:
            size = distance(change)
            if size > largest:
                place = f", {change.path[1:]}" if change.path.startswith(".") else change.path
                largest, largest_at = size, f"request {index}{place}"
                old_value, new_value = change.expected, change.actual
    return AnswerComparison(
        compared=compared,
        differing=differing,
        largest=max(largest, 0.0),
        largest_at=largest_at,
        old=old_value,
        new=new_value,
    )


def distance(difference: Difference) -> float:
    """Return the difference of two numbers; 0 for other values, so that numbers rank first."""
    values = difference.actual, difference.expected
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2 or difference.of_length:
        return 0.0
    try:
        distance = abs(float(numbers[0]) - float(numbers[1]))
    except OverflowError:
        return math.inf
    return distance if math.isfinite(distance) else math.inf
