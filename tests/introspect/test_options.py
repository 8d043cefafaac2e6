"""Options beside arrays: what annotations and defaults say of them, and lists that hold for every row."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from scaffold.render import tried_example
from tests.introspect.conftest import Serve

WEIGHTS = np.array([0.1, 0.2])
X = np.arange(8.0).reshape(4, 2)


class Annotated:
    def predict(
        self,
        X: np.ndarray,
        mode: Literal["raw", "exp"] = "raw",
        cap: float | None = None,
        digits: int = 4,
        clip: bool = False,
        weights: np.ndarray | None = None,
    ) -> np.ndarray:
        sums = X @ (WEIGHTS if weights is None else weights)
        sums = np.exp(sums) if mode == "exp" else sums
        return (sums if cap is None else np.minimum(sums, cap)).round(digits)


def test_an_option_is_what_its_annotation_and_default_say(serve: Serve) -> None:
    service = serve(Annotated(), {"X": X, "mode": "exp", "cap": 2.0})
    assert service.score({"X": [1.0, 2.0]}) == [{"prediction": 0.5}]
    assert service.score({"X": [1.0, 2.0], "mode": "exp", "cap": None}) == [{"prediction": 1.6487}]
    assert service.score({"X": [1.0, 2.0], "cap": 0.3}) == [{"prediction": 0.3}]
    for wrong in ({"mode": "text"}, {"mode": None}, {"cap": "2"}, {"X": [[1.0, 2.0]]}):
        with pytest.raises(ValidationError):
            service.check({"X": [1.0, 2.0], **wrong})


def test_an_option_that_the_sample_leaves_out_may_be_sent(serve: Serve) -> None:
    service = serve(Annotated(), {"X": X, "mode": "exp"})
    assert service.score({"X": [1.0, 2.0], "mode": "exp", "digits": 1}) == [{"prediction": 1.6}]
    assert [field.name for field in service.found.signature.input.fields] == ["X", "mode", "cap", "digits"]


def test_arrays_without_an_option_share_a_call_and_get_none(serve: Serve) -> None:
    service = serve(Annotated(), {"X": X})
    assert service.found.signature.call.batched
    assert [field.name for field in service.found.signature.input.fields] == ["X"]


def test_the_example_leaves_an_option_to_its_default(serve: Serve) -> None:
    def priced(sales: pd.DataFrame, discount: float, *, season: str = "summer") -> pd.Series:
        return sales["base"] * (1 - discount) * {"summer": 1, "winter": 2}[season]

    sales = pd.DataFrame({"base": [1.0, 2.0, 3.0]})
    service = serve(priced, {"sales": sales, "discount": 0.1, "season": "winter"})
    example: Any = tried_example(service.found.signature.input)
    assert list(example) == ["sales", "discount"]
    service.score(example)
    assert service.found.signature.input.fields[2].example == "summer"


def test_a_default_with_a_fraction_widens_a_whole_number(serve: Serve) -> None:
    def above(X: np.ndarray, threshold=0.5) -> np.ndarray:  # type: ignore[no-untyped-def]
        return (threshold < X @ WEIGHTS).astype(int)

    service = serve(above, {"X": X, "threshold": 1})
    assert service.score({"X": [1.0, 2.0], "threshold": 0.4}, {"X": [1.0, 2.0]}) == [
        {"prediction": 1},
        {"prediction": 0},
    ]


def test_an_option_without_a_value_that_json_can_say_stays_required(serve: Serve) -> None:
    def filled(X: np.ndarray, fill: float = float("nan")) -> np.ndarray:
        return X.sum(axis=1) + fill

    service = serve(filled, {"X": X, "fill": 1.5})
    with pytest.raises(ValidationError, match="fill"):
        service.check({"X": [1.0, 2.0]})
