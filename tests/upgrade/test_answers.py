"""The answers of two models to the recorded requests, before anything is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scaffold.spec import JSONValue, Recording
from scaffold.upgrade._answers import compare_recordings
from scaffold.verbs.update import update

Train = Callable[..., tuple[Any, Any]]


def recording(*answers: Any, first: int = 0) -> Recording:
    """One request for each answer, numbered."""
    requests: tuple[JSONValue, ...] = tuple({"x": first + number} for number in range(len(answers)))
    return Recording(requests=requests, answers=tuple({"prediction": answer} for answer in answers))


def test_labels_that_changed_are_counted() -> None:
    found = compare_recordings(recording("a", "b", "a", "c"), recording("b", "b", "b", "a"))
    assert (found.compared, found.differing) == (4, 3)
    assert found.classes == {'"a" -> "b"': 2, '"c" -> "a"': 1}
    assert str(found) == "3 of 4 recorded requests get another answer from the new model"


def test_the_five_largest_differences_come_first() -> None:
    old = recording(*(float(number) for number in range(8)))
    new = recording(*(number + number / 10 for number in range(8)))
    found = compare_recordings(old, new)
    assert found.differing == 7
    assert [line.partition(",")[0] for line in found.worst] == [
        f"request {number}" for number in (7, 6, 5, 4, 3)
    ]
    assert found.worst[0] == "request 7, prediction: 7.0 -> 7.7"
    assert not found.classes


def test_only_requests_of_both_samples_are_compared() -> None:
    found = compare_recordings(recording(1, 2, 3), recording(9, 9, first=2))
    assert (found.compared, found.differing, found.worst) == (1, 1, ("request 2, prediction: 3 -> 9",))
    assert "none of the recorded requests" in str(compare_recordings(recording(1), recording(1, first=5)))


def test_diff_shows_the_answers_that_change(project: Path, train: Train) -> None:
    model, sample = train("FamilySize", 0.001)
    report = update(project, model, sample, dry_run=True).report
    assert report.answers is not None
    assert report.answers.compared == 20
    assert 0 < report.answers.differing == sum(report.answers.classes.values())
    assert report.as_json()["replay"] == str(report.answers)
    assert update(project, dry_run=True).report.answers is None


def test_requests_are_the_same_if_the_fields_of_both_models_are() -> None:
    old, new = (
        Recording(
            requests=tuple({"x": number, **more} for number in range(3)),
            answers=tuple({"prediction": number * factor} for number in range(3)),
        )
        for factor, more in ((1, {"gone": 7}), (2, {"added": None}))
    )
    found = compare_recordings(old, new)
    assert (found.compared, found.differing) == (3, 2)
    assert found.values == {"prediction": ((0, 0), (1, 2), (2, 4))}


def test_each_place_of_the_answers_has_its_values() -> None:
    old = recording({"label": "a", "chances": [0.25, 0.75]})
    new = recording({"label": "b", "chances": [0.5, 0.5]})
    assert compare_recordings(old, new).values == {
        "prediction.label": (("a", "b"),),
        "prediction.chances[0]": ((0.25, 0.5),),
        "prediction.chances[1]": ((0.75, 0.5),),
    }


def test_an_integer_and_the_same_float_are_one_value_of_a_request() -> None:
    before: list[JSONValue] = [{"a": 22, "b": [1, {"c": 2}]}, [3, 4], {"a": True}, {"a": 2**60 + 1}]
    after: list[JSONValue] = [{"a": 22.0, "b": [1.0, {"c": 2.0}]}, [3.0, 4.0], {"a": 1.0}, {"a": 2**60}]
    for one, other, compared in zip(before, after, (1, 1, 0, 0), strict=True):
        old, new = (
            Recording(requests=(each,), answers=({"prediction": answer},))
            for each, answer in ((one, 1.0), (other, 2.0))
        )
        found = compare_recordings(old, new)
        assert (found.compared, found.differing) == (compared, compared)


def test_answers_are_compared_where_an_integer_column_has_its_first_missing_value(
    project: Path, train: Train
) -> None:
    model, sample = train("FamilySize", 0.5)
    sample = sample.astype({"SibSp": float})
    found = update(project, model, sample, dry_run=True).report.answers
    assert found is not None
    assert found.compared == len(sample)
