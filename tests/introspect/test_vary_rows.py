"""Records as their classes allow them, though no row of the sample is so, may depend on their neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest
from PIL import Image

from scaffold.introspect.call._calls import find_call
from scaffold.introspect.call._vary_rows import vary_rows


@dataclasses.dataclass
class Claim:
    amount: float
    age: int | None = None


class Insured(pydantic.BaseModel):
    amount: float
    age: Optional[int] = None  # noqa: UP045 - as people write it


class Person(NamedTuple):
    amount: float
    age: int | None = None


RATES = {str(age): age / 10 for age in range(100)}


def by_text(claims: Sequence[Any]) -> list[float]:
    """Beside a missing age, the other ages are floats, and their texts are no keys."""
    ages = pd.DataFrame({"age": [claim.age for claim in claims]})["age"].astype(str)
    return [claim.amount * RATES.get(age, 1.0) for claim, age in zip(claims, ages, strict=True)]


def one_by_one(claims: Sequence[Any]) -> list[float]:
    return [claim.amount * RATES.get(str(claim.age), 1.0) for claim in claims]


def padded(documents: Sequence[Any]) -> list[float]:
    longest = max(len(document["tokens"]) for document in documents)
    return [sum(document["tokens"]) / longest for document in documents]


def mean(documents: Sequence[Any]) -> list[float]:
    return [sum(document["tokens"]) / len(document["tokens"]) for document in documents]


DOCUMENTS = [{"id": k, "tokens": [k, k + 2, k + 3]} for k in range(8)]


@pytest.mark.parametrize("kind", [Claim, Insured, Person])
@pytest.mark.parametrize(("model", "together"), [(by_text, False), (one_by_one, True)])
def test_a_field_that_may_be_null_is_null_beside_others(
    kind: Any, model: Callable[..., Any], together: bool
) -> None:
    claims = [kind(amount=100.0 + k, age=20 + k) for k in range(10)]
    assert find_call(model, claims).call.batched is together


@pytest.mark.parametrize(("model", "together"), [(padded, False), (mean, True)])
def test_a_list_has_other_lengths_beside_others(model: Callable[..., Any], together: bool) -> None:
    assert find_call(model, DOCUMENTS).call.batched is together


def brightness(images: Sequence[Image.Image]) -> list[float]:
    """The mean of each image, padded to the largest of the call as detection models do."""
    side = max(max(image.size) for image in images)
    return [float(np.asarray(image.convert("L")).sum()) / side**2 for image in images]


def brightness_alone(images: Sequence[Image.Image]) -> list[float]:
    return [value for image in images for value in brightness([image])]


@pytest.mark.parametrize(("model", "together"), [(brightness, False), (brightness_alone, True)])
def test_an_image_has_other_sizes_beside_others(model: Callable[..., Any], together: bool) -> None:
    images = [Image.new("RGB", (8, 8), (40 * k + 10, 0, 9)) for k in range(5)]
    call = find_call(model, images).call
    assert call.batched is together
    assert not together or "made-up rows" in call.evidence


def in_one_array(codes: Sequence[str]) -> list[int]:
    """The texts of an array are cut to the width of the longest."""
    array = np.array(codes)
    array[np.char.startswith(array, "x")] = "unknown"
    return [1 if code == "unknown" else 0 for code in array.tolist()]


def in_one_list(codes: Sequence[str]) -> list[int]:
    return in_one_array([*codes, "so wide a text that nothing is cut"])[:-1]


@pytest.mark.parametrize(("model", "together"), [(in_one_array, False), (in_one_list, True)])
def test_a_text_is_longer_beside_others(model: Callable[..., Any], together: bool) -> None:
    assert find_call(model, ["abc", "xyz", "cde", "xab"]).call.batched is together


def padded_column(frame: Any) -> Any:
    lists = [list(items) for items in frame["items"]]
    longest = max(map(len, lists))
    return np.array([sum(items) / longest for items in lists])


def mean_of_column(frame: Any) -> Any:
    return np.array([sum(items) / len(items) for items in frame["items"]])


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(("model", "together"), [(padded_column, False), (mean_of_column, True)])
def test_a_list_in_a_column_has_other_lengths(
    library: Any, model: Callable[..., Any], together: bool
) -> None:
    frame = library.DataFrame({"items": [[k, k + 1] for k in range(8)], "fee": [k * 0.5 for k in range(8)]})
    assert find_call(model, frame).call.batched is together


def test_features_are_as_many_as_in_the_sample() -> None:
    rows = [[float(k), k + 1.0, k * 0.5] for k in range(8)]
    assert find_call(lambda records: np.array(records).sum(axis=1), rows).call.batched


def test_values_that_a_class_refuses_and_other_containers_stay() -> None:
    class Strict(NamedTuple):
        """It has a list that is none of numbers, and no field that may be null."""

        parts: list[object]

    rows = [Strict([{}]), 3, 0.5]
    assert vary_rows(rows, range(3)) == rows
    assert vary_rows((1, 2), [0]) == (1, 2)
