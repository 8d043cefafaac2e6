"""Records as their classes allow them, though no row of the sample is so, may depend on their neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import pandas as pd
import pydantic
import pytest

from scaffold.introspect._calls import find_call
from scaffold.introspect._varied import varied


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


def test_values_that_a_class_refuses_and_other_containers_stay() -> None:
    class Strict(NamedTuple):
        """It has a list that is none of numbers, and no field that may be null."""

        parts: list[object]

    rows = [Strict([{}]), 3, "text"]
    assert varied(rows, range(3)) == rows
    assert varied((1, 2), [0]) == (1, 2)
