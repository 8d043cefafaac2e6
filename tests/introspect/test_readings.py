"""Interpretations of a sample: a table of one column as its values, a plain value as an option."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from scaffold.errors import NoFittingCallError
from scaffold.introspect import infer_signature
from tests.introspect.conftest import Serve

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame({"visits": RNG.integers(0, 30, 60), "spent": RNG.gamma(2, 40, 60).round(2)})
BOUGHT = (FRAME["visits"] * 3 + FRAME["spent"] > 120).astype(int)
CLASSIFIER = LogisticRegression(max_iter=500).fit(FRAME, BOUGHT)
LABELS = CLASSIFIER.predict(FRAME.head(20))

ONE_COLUMN: dict[str, Any] = {
    "array": LABELS.reshape(-1, 1),
    "frame": pd.DataFrame({"bought": LABELS}),
    "objects": [{"y": int(label)} for label in LABELS],
    "lists": [[int(label)] for label in LABELS],
}


@pytest.mark.parametrize("kind", ONE_COLUMN)
@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize("as_file", [False, True])
def test_an_output_of_one_column_is_one_number_for_each_row_of_a_batch(
    kind: str, rows: int, as_file: bool, serve: Serve
) -> None:
    sample = FRAME.head(rows)
    given = sample.to_dict("records") if as_file else sample
    service = serve(CLASSIFIER, given, ONE_COLUMN[kind][:rows])
    assert service.found.signature.call.batched
    bodies = [{"visits": 2, "spent": 5.0}, {"visits": 28, "spent": 300.0}]
    assert service.score(*bodies) == [{"prediction": 0}, {"prediction": 1}]


def read_from_csv(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as it comes back from a file that has its index as well."""
    return pd.read_csv(io.StringIO(frame.to_csv()))


@pytest.mark.parametrize("rows", [slice(0, 20), slice(30, 12, -1)], ids=["from 0", "in another order"])
def test_an_index_in_a_csv_file_is_no_column(rows: slice, serve: Serve) -> None:
    sample = FRAME.iloc[rows]
    output = pd.DataFrame({"bought": CLASSIFIER.predict(sample)})
    service = serve(CLASSIFIER, read_from_csv(sample), read_from_csv(output))
    assert service.found.signature.call.batched
    assert service.score({"visits": 28, "spent": 300.0}) == [{"prediction": 1}]


def test_an_index_that_the_model_was_trained_on_is_a_column(serve: Serve) -> None:
    sample = read_from_csv(FRAME)
    model = LinearRegression().fit(sample, FRAME["spent"] * 2)
    service = serve(model, sample, model.predict(sample))
    [answer] = service.score({"Unnamed: 0": 3, "visits": 28, "spent": 30.0})
    assert answer == {"prediction": pytest.approx(60.0)}


def test_a_model_that_answers_with_a_column_itself_keeps_its_shape(serve: Serve) -> None:
    model = LinearRegression().fit(FRAME, FRAME[["spent"]] * 2)
    answers = model.predict(FRAME.head(20))
    assert answers.shape == (20, 1)
    [answer] = serve(model, FRAME.head(20), answers).score({"visits": 3, "spent": 4.0})
    assert answer == {"prediction": [pytest.approx(8.0)]}


def test_a_model_of_one_row_at_a_time_answers_a_column_with_plain_numbers(serve: Serve) -> None:
    class Strict:
        def predict(self, X: pd.DataFrame) -> np.ndarray:
            if len(X) != 1:
                raise ValueError("one row, please")
            return np.asarray(CLASSIFIER.predict(X))

    service = serve(Strict(), FRAME.head(20), ONE_COLUMN["frame"])
    assert service.score({"visits": 28, "spent": 300.0}) == [{"prediction": 1}]


class Service:
    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, X: Any) -> Any:
        return self.model.predict_proba(X)[:, 1]


@pytest.mark.parametrize("of", [np.asarray, lambda column: pd.DataFrame({"p": column}), list])
def test_one_column_of_an_answer_is_named_with_the_class_that_gives_it(of: Any) -> None:
    sample = FRAME.head(20)
    output = of(CLASSIFIER.predict_proba(sample)[:, 1])
    with pytest.raises(NoFittingCallError) as caught:
        infer_signature(CLASSIFIER, sample, output)
    assert str(caught.value).splitlines()[-5:] == [
        "The output sample is one column of an answer: model.predict_proba(X)[:, 1]",
        "Save a model that gives that column:",
        "  class Service:",
        "      def __init__(self, model): self.model = model",
        "      def predict(self, X): return self.model.predict_proba(X)[:, 1]",
    ]
    assert infer_signature(Service(CLASSIFIER), sample, output).signature.call.batched


def test_two_columns_are_never_treated_as_one() -> None:
    both = pd.DataFrame({"bought": LABELS, "again": LABELS})
    with pytest.raises(Exception, match="does not give the output sample"):
        infer_signature(CLASSIFIER, FRAME.head(20), both)


@pytest.fixture(scope="module")
def process() -> GaussianProcessRegressor:
    X = RNG.uniform(0, 10, (40, 2))
    return GaussianProcessRegressor(alpha=0.01).fit(X, np.sin(X[:, 0]))


def test_a_plain_value_next_to_arrays_is_an_option_of_each_request(
    process: GaussianProcessRegressor, serve: Serve
) -> None:
    X = RNG.uniform(0, 10, (9, 2))
    service = serve(process, {"X": X, "return_std": True}, process.predict(X, return_std=True))
    mean, deviation = process.predict(X[:1] + 0.5, return_std=True)
    [answer] = service.score({"X": (X[0] + 0.5).tolist(), "return_std": True})
    assert answer == {"prediction": [pytest.approx(mean[0]), pytest.approx(deviation[0])]}
    assert len(service.found.recording.requests) == 9


def test_an_option_that_changes_the_form_of_the_answer_keeps_its_value(
    process: GaussianProcessRegressor, serve: Serve
) -> None:
    X = RNG.uniform(0, 10, (9, 2))
    service = serve(process, {"X": X, "return_std": True})
    with pytest.raises(ValidationError, match="should be one of"):
        service.check({"X": [1.0, 2.0], "return_std": False})
    assert service.found.signature.notes[0].startswith("return_std is True in each request")


def test_options_of_several_requests_stay_apart(serve: Serve) -> None:
    def priced(amounts: np.ndarray, rate: float, taxed: bool) -> np.ndarray:
        return amounts.sum(axis=1) * rate + taxed

    service = serve(priced, {"amounts": np.ones((5, 2)) * np.arange(5)[:, None], "rate": 2.0, "taxed": True})
    bodies = [
        {"amounts": [1.0, 2.0], "rate": rate, "taxed": taxed} for rate, taxed in ((1.5, True), (3.0, False))
    ]
    assert service.score(*bodies) == [{"prediction": 5.5}, {"prediction": 9.0}]


def test_arrays_of_one_record_next_to_a_plain_value_stay_one_record() -> None:
    found = infer_signature(
        lambda signal, limit: float(signal.max() - limit), {"signal": np.arange(9.0), "limit": 2.0}
    )
    assert len(found.recording.requests) == 1
