"""Compare the recorded answers of the old and the new model, before anything is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scaffold.base.differences import differences
from scaffold.spec import JSONValue, Recording
from scaffold.upgrade._compare_answers import distance

_WORST = 5
_LARGEST_EXACT = 2**53
"""The largest integer up to which each integer is a float too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChanges:
    """The differences between the answers of two models to the requests that both recordings have."""

    compared: int
    differing: int
    worst: tuple[str, ...] = ()
    """The largest differences, at most five: `request 3, prediction: 0.2 -> 0.9`."""
    classes: Mapping[str, int] = field(default_factory=dict)
    """How often a label became another one: `0 -> 1`."""
    values: Mapping[str, tuple[tuple[JSONValue, JSONValue], ...]] = field(default_factory=dict)
    """The pairs of old and new values, equal ones too, by their path in the answer: `prediction`."""

    def __str__(self) -> str:
        if not self.compared:
            return "the new sample has none of the recorded requests, so no answers are compared"
        return f"{self.differing} of {self.compared} recorded requests get another answer from the new model"

    def as_json(self) -> dict[str, JSONValue]:
        """Return the changes as JSON."""
        return {
            "compared": self.compared,
            "differing": self.differing,
            "worst": list(self.worst),
            "classes": dict(self.classes),
        }


def compare_recordings(old: Recording, new: Recording) -> AnswerChanges:
    """Compare the answers of two models to the requests that both recordings have.

    Where one model takes more fields than the other, requests are the same if their common fields are.

    Args:
        old: The requests of the last state, with the answers of its model.
        new: Those of the new state.
    """
    shared = _shared_fields(old, new)
    new_answers: dict[str, JSONValue] = {}
    for request, answer in _pairs(new):
        new_answers.setdefault(_key(request, shared), answer)
    compared = differing = 0
    changes_by_distance: list[tuple[float, str]] = []
    classes: Counter[str] = Counter()
    values: dict[str, list[tuple[JSONValue, JSONValue]]] = {}
    for number, (request, before) in enumerate(_pairs(old)):
        key = _key(request, shared)
        if key not in new_answers:
            continue
        changes = list(differences(new_answers[key], before))
        after = dict(_leaves(new_answers[key]))
        for path, value in _leaves(before):
            if path in after:
                values.setdefault(path, []).append((value, after[path]))
        compared, differing = compared + 1, differing + bool(changes)
        for change in changes:
            text = " -> ".join(_format_pair(change.expected, change.actual))
            changes_by_distance.append(
                (distance(change), f"request {number}, {change.path.lstrip('.')}: {text}")
            )
            if not isinstance(change.expected, float) and not isinstance(change.actual, float):
                classes[text] += 1
    worst = sorted(changes_by_distance, key=lambda each: -each[0])[:_WORST]
    return AnswerChanges(
        compared=compared,
        differing=differing,
        worst=tuple(text for _, text in worst),
        classes=dict(classes.most_common()),
        values={path: tuple(pairs) for path, pairs in values.items()},
    )


def _format_pair(old: JSONValue, new: JSONValue) -> tuple[str, str]:
    """Return two values as JSON; floats with six digits, if the two then still differ."""
    short = [json.dumps(float(f"{each:.6g}") if isinstance(each, float) else each) for each in (old, new)]
    full = json.dumps(old), json.dumps(new)
    return full if short[0] == short[1] else (short[0], short[1])


def _shared_fields(old: Recording, new: Recording) -> set[str]:
    """Return the fields that requests of both recordings have."""
    sides = (
        {name for each in side.requests if isinstance(each, dict) for name in each} for side in (old, new)
    )
    return set.intersection(*sides)


def _key(request: JSONValue, shared: set[str]) -> str:
    """Return the key of a request, which is equal in both recordings; an integer equals the same float."""
    if isinstance(request, dict) and shared:
        request = {name: value for name, value in request.items() if name in shared}
    return json.dumps(_without_integers(request), sort_keys=True)


def _without_integers(value: JSONValue) -> JSONValue:
    """Return a value with each integer as a float, if that is the same number."""
    match value:
        case dict():
            return {name: _without_integers(each) for name, each in value.items()}
        case list():
            return [_without_integers(each) for each in value]
        case int() if not isinstance(value, bool) and abs(value) <= _LARGEST_EXACT:
            return float(value)
        case _:
            return value


def _pairs(recording: Recording) -> list[tuple[JSONValue, JSONValue]]:
    return list(zip(recording.requests, recording.answers, strict=False))


def _leaves(answer: JSONValue, path: str = "") -> Iterator[tuple[str, JSONValue]]:
    """The numbers, texts and booleans of an answer, by place: `prediction`, `chances.yes`, `data[3]`."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            yield from _leaves(value, f"{path}.{name}".lstrip("."))
    elif isinstance(answer, list):
        for index, value in enumerate(answer):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, answer
