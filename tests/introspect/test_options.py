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
    # `clip` and `weights` may change the shape of the answer: they are not offered.
    assert [field.name for field in service.found.signature.input.fields] == ["X", "mode", "cap", "digits"]


def test_arrays_without_an_option_in_the_sample_share_a_call_and_get_no_options(serve: Serve) -> None:
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


@pytest.mark.parametrize("default", [float("nan"), float("inf")])
def test_an_option_whose_default_json_cannot_express_stays_required(serve: Serve, default: float) -> None:
    def filled(X: np.ndarray, fill: float = default) -> np.ndarray:
        return X.sum(axis=1) + fill

    service = serve(filled, {"X": X, "fill": 1.5})
    with pytest.raises(ValidationError, match="fill"):
        service.check({"X": [1.0, 2.0]})


def quantiles(X: np.ndarray, quantiles: Any = (0.1, 0.9), names: Any = None) -> np.ndarray:
    return np.stack([X.sum(axis=1) * q for q in np.asarray(quantiles)], axis=1)


@pytest.mark.parametrize("rows", [1, 3, 5])
@pytest.mark.parametrize("levels", [[0.1, 0.5, 0.9], (0.1, 0.5, 0.9), np.array([0.1, 0.5, 0.9])])
def test_a_list_that_holds_for_every_row_is_an_option(serve: Serve, rows: int, levels: Any) -> None:
    X = np.arange(rows * 3.0).reshape(rows, 3) + 1
    sample = {"X": X, "quantiles": levels}
    service = serve(quantiles, sample, quantiles(X, levels))
    assert len(service.found.recording.requests) == rows
    assert service.score({"X": [1.0, 1.0, 2.0], "quantiles": [0.5, 0.25, 0.75]}) == [
        {"prediction": [2.0, 1.0, 3.0]}
    ]


def test_an_array_with_a_value_for_each_row_is_not_an_option_beside_an_option(serve: Serve) -> None:
    def claims(X: np.ndarray, exposure: np.ndarray, mode: str = "raw") -> np.ndarray:
        return X.sum(axis=1) * (1 if mode == "raw" else exposure)

    service = serve(claims, {"X": X, "exposure": np.array([1.0, 2.0, 3.0, 4.0]), "mode": "raw"})
    assert service.score({"X": [1.0, 2.0], "exposure": 2.0, "mode": "rate"}) == [{"prediction": 6.0}]


def test_a_list_option_may_have_another_length_and_be_left_out(serve: Serve) -> None:
    service = serve(quantiles, {"X": X, "quantiles": [0.5]})
    assert service.score({"X": [1.0, 1.0], "quantiles": [0.5, 1.0]}, {"X": [10.0, 0.0]}) == [
        {"prediction": [1.0, 2.0]},
        {"prediction": [1.0, 9.0]},
    ]


def by_row(X: np.ndarray, offsets: Any) -> np.ndarray:
    return X.sum(axis=1) + np.asarray(offsets)


def test_a_list_with_a_value_for_each_row_is_no_option(serve: Serve) -> None:
    service = serve(by_row, {"X": X, "offsets": [1.0, 2.0, 3.0, 4.0]})
    assert len(service.found.recording.requests) == 1
    assert service.score(*service.found.recording.requests) == [{"prediction": [2.0, 7.0, 12.0, 17.0]}]


def test_an_array_with_a_value_for_each_row_is_no_option(serve: Serve) -> None:
    offsets = np.array([1.0, 2.0, 3.0, 4.0])
    unused = serve(lambda X, offsets: X.sum(axis=1), {"X": X, "offsets": offsets})
    for service in (serve(by_row, {"X": X, "offsets": offsets}), unused):
        assert service.found.signature.call.batched
        assert service.found.recording.requests[1] == {"X": [2.0, 3.0], "offsets": 2.0}


def test_a_dict_of_settings_and_a_list_of_names_are_options(serve: Serve) -> None:
    def scaled(frame: pd.DataFrame, columns: list[str], scale: dict[str, float]) -> Any:
        return sum(frame[name] * scale.get(name, 1.0) for name in columns)

    sample = {
        "frame": pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}),
        "columns": ["a", "b"],
        "scale": {"a": 2.0},
    }
    service = serve(scaled, sample)
    assert len(service.found.recording.requests) == 3
    body = {"frame": {"a": 1.0, "b": 10.0}, "columns": ["a"], "scale": {"a": 3.0}}
    assert service.score(body) == [{"prediction": 3.0}]


def test_a_list_beside_an_array_of_one_record_stays_part_of_the_record(serve: Serve) -> None:
    def peaks(signal: np.ndarray, limits: list[float]) -> list[bool]:
        return [bool(signal.max() > limit) for limit in limits]

    service = serve(peaks, {"signal": np.arange(9.0), "limits": [1.0, 20.0]})
    assert len(service.found.recording.requests) == 1
