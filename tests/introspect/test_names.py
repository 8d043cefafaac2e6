"""Fields may have any name: JSON keeps it, and Python gets a readable identifier."""

from __future__ import annotations

import keyword
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect._names import attributes
from tests.introspect.conftest import Serve, difference

AWKWARD = [
    "sepal length (cm)",
    "class",
    "a b",
    "a_b",
    "a-b",
    "1st",
    "",
    " ",
    "日本 %",
    "temp (°C)",
    "model_config",
    "model_dump",
    "copy",
    "json",
    "__class__",
    "_private",
    "x\n\"'y",
    'x") or evil("',
    "\u202eright to left",
    "int",
    "date",
    "Field",
    "self",
    "records",
    "np",
    "{{ jinja }}",
    "# no comment",
    "\\",
]


class Batch:
    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def test_a_column_name_with_a_space_gets_an_alias() -> None:
    assert attributes(["sepal length (cm)", "Pclass", "class"]) == ["sepal_length_cm", "Pclass", "class_"]


def test_an_identifier_is_kept_after_any_prefix() -> None:
    assert attributes(["a b", "a_b", "a-b"]) == ["a_b_2", "a_b", "a_b_3"]


def test_all_attributes_are_unique_and_valid_for_pydantic() -> None:
    made = attributes(AWKWARD)
    assert len(set(made)) == len(AWKWARD)
    assert all(name.isidentifier() and not keyword.iskeyword(name) and name[0] != "_" for name in made)
    assert not set(made) & set(dir(pydantic.BaseModel))


def test_columns_of_any_name_come_back(serve: Serve) -> None:
    sample = pd.DataFrame(np.arange(2.0 * len(AWKWARD)).reshape(2, -1), columns=AWKWARD)
    service = serve(Batch(), sample)
    [request] = service.found.recording.requests[:1]
    assert isinstance(request, dict)
    assert list(request) == AWKWARD
    assert difference(service.given(), sample) is None


def test_keys_of_any_name_come_back_at_any_depth(serve: Serve) -> None:
    sample = {name: dict.fromkeys(AWKWARD, 1) for name in AWKWARD[:6]}

    def score(record: dict[str, Any]) -> float:
        return 1.0 * len(record["a b"])

    service = serve(score, sample)
    assert service.given() == [sample]


def test_strings_of_the_sample_are_only_written_as_literals(serve: Serve) -> None:
    evil = '"); raise SystemExit("'
    frame = pd.DataFrame({evil: pd.Categorical([evil, "ok"]), "b\n import os": ["# x\nraise", "# x\nraise"]})
    service = serve(Batch(), frame)
    assert service.score(*service.found.recording.requests) == [{"prediction": 0.0}] * 2


def test_two_columns_of_one_name_are_refused() -> None:
    from scaffold.introspect import infer_signature

    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(UnsupportedSampleError, match="columns of the same name: 'a'"):
        infer_signature(Batch(), frame)
    with pytest.raises(UnsupportedSampleError, match="columns of the same name: '0'"):
        infer_signature(Batch(), pd.DataFrame([[1, 2], [3, 4]], columns=[0, "0"]))
