"""The recorded answers of the old model beside those of the new one, before anything is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scaffold.base.differences import differences
from scaffold.spec import JSONValue, Recording
from scaffold.upgrade._replay import distance

_WORST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChanges:
    """How the new model answers the recorded requests that its sample has too."""

    compared: int
    differing: int
    worst: tuple[str, ...] = ()
    """The largest differences, at most five: `request 3, prediction: 0.2 -> 0.9`."""
    classes: Mapping[str, int] = field(default_factory=dict)
    """How often a label became another one: `0 -> 1`."""

    def __str__(self) -> str:
        if not self.compared:
            return "the new sample has none of the recorded requests, so no answers are compared"
        return f"{self.differing} of {self.compared} recorded requests get another answer from the new model"

    def as_json(self) -> dict[str, JSONValue]:
        """The changes for a program to read."""
        return {
            "compared": self.compared,
            "differing": self.differing,
            "worst": list(self.worst),
            "classes": dict(self.classes),
        }


def compare_recordings(old: Recording, new: Recording) -> AnswerChanges:
    """Compare the answers of two models to the requests that both recordings have.

    Args:
        old: The requests of the last state, with the answers of its model.
        new: Those of the new state.
    """
    answers = {json.dumps(request, sort_keys=True): answer for request, answer in _pairs(new)}
    compared = differing = 0
    found: list[tuple[float, str]] = []
    classes: Counter[str] = Counter()
    for number, (request, before) in enumerate(_pairs(old)):
        key = json.dumps(request, sort_keys=True)
        if key not in answers:
            continue
        changes = list(differences(answers[key], before))
        compared, differing = compared + 1, differing + bool(changes)
        for change in changes:
            text = f"{json.dumps(change.wanted)} -> {json.dumps(change.got)}"
            found.append((distance(change), f"request {number}, {change.path.lstrip('.')}: {text}"))
            if not isinstance(change.wanted, float) and not isinstance(change.got, float):
                classes[text] += 1
    worst = sorted(found, key=lambda each: -each[0])[:_WORST]
    return AnswerChanges(
        compared=compared,
        differing=differing,
        worst=tuple(text for _, text in worst),
        classes=dict(classes.most_common()),
    )


def _pairs(recording: Recording) -> list[tuple[JSONValue, JSONValue]]:
    return list(zip(recording.requests, recording.answers, strict=False))
