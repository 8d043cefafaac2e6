"""Answers are compared by their values: containers do not count, labels are exact, floats nearly so."""

from __future__ import annotations

import collections
import dataclasses
import enum

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from scaffold.introspect._compare import difference, same, same_rows


@dataclasses.dataclass
class Answer:
    label: str
    score: float


class Loose:
    def __init__(self, score):
        self.score = score


class Colour(enum.Enum):
    RED = "red"


Pair = collections.namedtuple("Pair", "label score")
TIMES = pd.to_datetime(["2020-01-01", "2021-02-03"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([1.0, 2.0]), pd.Series([1.0, 2.0], index=[7, 9])),
        (np.array([1.0, 2.0]), pl.Series([1.0, 2.0])),
        (np.array(["a", "b"]), pd.Series(["a", "b"])),
        (np.eye(2), pd.DataFrame(np.eye(2), columns=["x", "y"])),
        (np.eye(2), sparse.csr_matrix(np.eye(2))),
        (pd.DataFrame({"x": [1], "y": ["b"]}), [{"x": 1, "y": "b"}]),
        (pd.DataFrame({"x": [1], "y": ["b"]}), pl.DataFrame({"x": [1], "y": ["b"]})),
        (np.array([1.0, np.nan]), [1.0, None]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (TIMES, pd.Series(TIMES)),
        (TIMES.to_numpy(), pd.Series(TIMES)),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (Answer("a", 0.5), {"label": "a", "score": 0.5}),
        (Pair("a", 0.5), {"label": "a", "score": 0.5}),
        (Pair("a", 0.5), ["a", 0.5]),
        (np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]), [{"x": 1, "y": 2.0}]),
        (Colour.RED, "red"),
        ({1, 2}, {2, 1}),
        (Loose(0.5), Loose(0.5)),
        ({"v": (np.float32(0.5), [np.int64(3)])}, {"v": [0.5, [3]]}),
        (1.0, 1.0 + 1e-8),
        (np.float32(0.3), 0.3),
        (np.float64(2.5), np.float64(2.5)),
    ],
)
def test_the_same_values_in_other_containers_are_the_same(one, other):
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("got", "want", "where"),
    [
        ([1, 2], [1, 3], "[1]: 2, sample_output has 3"),
        (["a"], ["b"], "[0]: 'a', sample_output has 'b'"),
        (["1"], [1], "[0]: '1', sample_output has 1"),
        ([0.5], [0.50001], "[0]: 0.5, sample_output has 0.50001"),
        ([[0.5]], [0.5], "[0]: [0.5], sample_output has 0.5"),
        (np.zeros(3), np.zeros((3, 2)), "shape (3,), sample_output has (3, 2)"),
        (np.array([0.0, 1.0]), np.array([0.0, 1.5]), "[1]: 1, sample_output has 1.5"),
        ([1, 2], [1], "the answer: 2 items, sample_output has 1"),
        ({"a": 1}, {"b": 1}, "the answer: fields ['a'], sample_output has ['b']"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 4]}}, ".a.b[1]: 2, sample_output has 4"),
        (float("nan"), 0.0, "the answer: nan, sample_output has 0"),
        ([2.5], np.float64(2.5), "the answer: [2.5], sample_output has 2.5"),
        (Loose(0.5), Loose(0.6), None),
    ],
)
def test_the_first_difference_is_named(got, want, where):
    found = difference(got, want)
    assert found is not None
    assert where is None or found == where


def test_float32_is_compared_with_its_own_precision():
    exact = np.array([0.1234567, 12.34567])
    single = exact.astype("float32") * np.float32(1 + 2e-6)
    assert same(single, exact)
    assert not same(single.astype("float64"), exact)


def test_batched_rows_may_differ_by_the_rounding_of_larger_numbers():
    among = [[3.0e-9, 41.5], [-7.25, 12.0]]
    assert same_rows([[1.0e-7, 41.5], [-7.25, 12.0]], among)
    assert not same_rows([[0.5, 41.5], [-7.25, 12.0]], among)
    assert not same_rows([2.0e-7], [1.0e-7])
