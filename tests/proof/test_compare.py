"""Predictions are compared exactly, except floats."""

import pytest

from scaffold.base.differences import Difference, first_difference
from scaffold.spec import JSONValue


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        ({"prediction": 0.1 + 0.2}, {"prediction": 0.3}),
        ({"prediction": 1}, {"prediction": 1.0}),
        ({"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        ([{"p": 1e-300}], [{"p": 1.0000001e-300}]),
        ({"p": [50.0, 0.00002]}, {"p": [50.0, 0.00001]}),
    ],
)
def test_the_same_answer(got: JSONValue, wanted: JSONValue) -> None:
    assert first_difference(got, wanted) is None


@pytest.mark.parametrize(
    ("got", "wanted", "path"),
    [
        ({"prediction": 0.412}, {"prediction": 0.481}, ".prediction"),
        ({"prediction": 1}, {"prediction": True}, ".prediction"),
        ({"prediction": 3}, {"prediction": 4}, ".prediction"),
        ({"prediction": "1"}, {"prediction": 1}, ".prediction"),
        ({"prediction": None}, {"prediction": 0.0}, ".prediction"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ".a.b[1]"),
        ({"a": 1}, {"a": 1, "b": 2}, ".b"),
        ({"a": 1, "b": 2}, {"a": 1}, ".b"),
        ([1, 2], [1], " (length)"),
        ({"p": 1.00001}, {"p": 1.0}, ".p"),
        ({"p": 0.00001}, {"p": 0.00002}, ".p"),
        ([{"p": 1000.0}, {"p": 0.5001}], [{"p": 1000.0}, {"p": 0.5}], "[1].p"),
    ],
)
def test_another_answer_is_named_by_its_place(got: JSONValue, wanted: JSONValue, path: str) -> None:
    found = first_difference(got, wanted)
    assert isinstance(found, Difference)
    assert found.path == path
