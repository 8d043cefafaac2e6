"""The call of a model is found by trying: the call that returns the output sample is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scaffold.errors import AmbiguousCallError, CallError, NoFittingCallError, UnstableModelError
from scaffold.introspect._layouts import Layout
from scaffold.introspect.call._calls import find_call
from scaffold.spec import Arguments

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(60, 3))
LABELS = np.where(ROWS[:, 0] + 0.3 * RNG.normal(size=60) > 0, "yes", "no")
FRAME = pd.DataFrame(ROWS, columns=["a", "b c", "class"])


@pytest.fixture(scope="module")
def classifier():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS)


@pytest.fixture(scope="module")
def frame_classifier():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, LABELS)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "predict_log_proba"])
def test_the_method_is_the_one_that_gives_the_output(classifier, method):
    found = find_call(classifier, ROWS[:4], getattr(classifier, method)(ROWS[:4]))
    assert (found.call.method, found.call.batched, found.rows) == (method, True, 4)
    assert found.layout is Layout.ROWS


def test_without_an_output_predict_is_preferred(classifier):
    found = find_call(classifier, ROWS[:4])
    assert found.call.method == "predict"
    assert found.output.tolist() == classifier.predict(ROWS[:4]).tolist()


def test_method_selects_the_method(classifier):
    assert find_call(classifier, ROWS[:4], method="predict_proba").call.method == "predict_proba"


@pytest.mark.parametrize("container", [list, np.asarray, pd.Series, tuple])
def test_the_container_of_the_output_does_not_matter(classifier, container):
    assert find_call(classifier, ROWS[:4], container(classifier.predict(ROWS[:4]))).call.method == "predict"


def test_the_output_is_the_models_own_in_its_own_container(classifier):
    found = find_call(classifier, ROWS[:4], classifier.predict(ROWS[:4]).tolist())
    assert isinstance(found.output, np.ndarray)


def test_a_single_row_is_repeated_to_test_batches(classifier):
    found = find_call(classifier, ROWS[:1], classifier.predict(ROWS[:1]))
    assert (found.call.batched, found.rows) == (True, 1)


def test_one_row_without_its_axis_becomes_an_array_of_one_row(classifier):
    found = find_call(classifier, ROWS[0], classifier.predict(ROWS[:1]))
    assert found.sample.shape == (1, 3)
    assert (found.call.batched, found.rows) == (True, 1)


def test_a_frame_goes_in_as_it_is(frame_classifier):
    found = find_call(frame_classifier, FRAME[:4], frame_classifier.predict_proba(FRAME[:4]))
    assert found.call.method == "predict_proba"
    pd.testing.assert_frame_equal(found.sample, FRAME[:4])


@pytest.mark.parametrize("rows", [1, 4])
def test_dicts_become_a_frame_where_the_model_takes_one(rows):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "kind": ["p", "q", "p", "q"]})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model.fit(frame, ["l", "r", "l", "r"])
    sample = frame[:rows].to_dict("records")
    found = find_call(model, sample if rows > 1 else sample[0], model.predict(frame[:rows]))
    assert list(found.sample.columns) == ["x", "kind"]
    assert (found.call.batched, found.rows) == (True, rows)


@pytest.mark.parametrize("rows_as", ["frame", "dicts"])
@pytest.mark.parametrize(
    ("predict", "kinds"),
    [
        (lambda X: X["day"].dt.dayofweek + X["at"].dt.hour, "MMO"),
        (lambda X: X["zip"] % 100, "OOi"),
        (lambda X: X["day"].dt.dayofweek + X["zip"], "MMi"),
        (lambda X: X["day"].str[:4] + X["zip"], "OOO"),
    ],
    ids=["dates", "numbers", "both", "neither"],
)
def test_strings_of_a_file_are_parsed_if_the_model_needs_it(rows_as, predict, kinds):
    texts = pd.DataFrame(
        {
            "day": ["2024-01-01", "2024-01-03"],
            "at": ["2024-01-01T05:00:00+01:00", "2024-01-02T06:30:00+01:00"],
            "zip": ["00501", "94110"],
        }
    )
    read = texts.copy()
    for name, kind in zip(texts.columns, kinds, strict=True):
        if kind != "O":
            read[name] = pd.to_datetime(texts[name]) if kind == "M" else pd.to_numeric(texts[name])
    sample = texts if rows_as == "frame" else texts.to_dict("records")
    found = find_call(predict, sample, predict(read))
    pd.testing.assert_series_equal(found.output, predict(read))
    pd.testing.assert_frame_equal(found.sample, read)


def test_a_series_that_is_one_row_becomes_a_frame_of_one_row(frame_classifier):
    found = find_call(frame_classifier, FRAME.iloc[0], frame_classifier.predict(FRAME[:1]))
    assert found.sample.shape == (1, 3)


def test_a_tuple_of_arrays_answers_rows_by_parts():
    model = NearestNeighbors(n_neighbors=2).fit(ROWS)
    # Two rows and two parts: the shapes alone do not tell them apart.
    found = find_call(model, ROWS[:2], model.kneighbors(ROWS[:2]))
    assert (found.call.method, found.call.batched, found.layout) == ("kneighbors", True, Layout.PARTS)


def test_the_probabilities_of_several_outputs_answer_rows_by_parts():
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(ROWS, np.c_[LABELS, LABELS])
    found = find_call(model, ROWS[:2], model.predict_proba(ROWS[:2]))
    assert (found.call.method, found.layout) == ("predict_proba", Layout.PARTS)


def test_transform_is_found_and_fit_is_never_called():
    model = PCA(2).fit(ROWS)
    before = model.components_.copy()
    assert find_call(model, ROWS[:5], model.transform(ROWS[:5])).call.method == "transform"
    assert (model.components_ == before).all()


def test_a_function_of_one_dict_is_called_once_for_each_of_a_list():
    def score(applicant):
        return {"points": applicant["income"] / 1000, "reasons": ["young"] if applicant["age"] < 30 else []}

    sample = [{"income": 42_000, "age": 25}, {"income": 61_500, "age": 44}]
    found = find_call(score, sample, [score(one) for one in sample])
    assert (found.call.method, found.call.batched, found.call.wrapped, found.rows) == (
        "__call__",
        False,
        False,
        2,
    )
    assert found.output == [score(one) for one in sample]


def test_one_dict_is_one_record():
    found = find_call(lambda x: {"sum": x["a"] + x["b"]}, {"a": 1, "b": 2})
    assert (found.rows, found.call.arguments, found.output) == (None, Arguments.ONE, {"sum": 3})


class Recommender:
    def predict(self, user_id: str, k: int = 5) -> list[tuple[str, int]]:
        return [(f"{user_id}-film", i) for i in range(k)]


@pytest.mark.parametrize("given", [True, False])
def test_a_dict_is_spread_over_arguments_of_its_keys_names(given):
    sample: dict[str, Any] = {"user_id": "u7", "k": 3}
    found = find_call(Recommender(), sample, Recommender().predict(**sample) if given else None)
    assert (found.call.arguments, found.call.batched, found.rows) == (Arguments.KEYWORDS, False, None)
    # Three predictions for k=3 belong to one record.
    assert found.layout is Layout.WHOLE


def test_a_list_of_values_is_spread_over_the_arguments_by_their_names():
    found = find_call(Recommender(), ["u7", 3], Recommender().predict("u7", 3))
    assert (found.call.arguments, found.rows) == (Arguments.KEYWORDS, None)
    assert found.sample == {"user_id": "u7", "k": 3}


def softmax(values):
    return list(np.exp(values) / np.exp(values).sum())


def test_a_tuple_is_spread_over_the_arguments_before_it_is_taken_for_records():
    found = find_call(lambda a, b="z": f"{b}{a}", (1, "q"))
    assert (found.call.arguments, found.sample, found.output) == (
        Arguments.KEYWORDS,
        {"a": 1, "b": "q"},
        "q1",
    )


def test_a_lazy_prediction_is_reported():
    with pytest.raises(CallError, match="gives a generator, whose values are made when asked for"):
        find_call(lambda record: (i for i in range(3)), {"a": 1})


def test_an_answer_as_long_as_the_sample_does_not_make_its_items_records():
    found = find_call(softmax, [1.0, 2.0, 3.0], softmax([1.0, 2.0, 3.0]))
    assert (found.rows, found.call.batched, found.layout) == (None, False, Layout.WHOLE)


def test_an_image_whose_answer_is_one_label_is_one_record():
    found = find_call(lambda image: "dark" if image.mean() < 0.5 else "light", np.zeros((8, 8)), "dark")
    assert (found.rows, found.output) == (None, "dark")


def test_a_model_whose_answers_depend_on_the_other_rows_is_served_one_row_at_a_time():
    def standardised(frame):
        return (frame["a"] - frame["a"].mean()) / (frame["a"].max() - frame["a"].min() + 1)

    found = find_call(standardised, FRAME[:4], standardised(FRAME[:4]))
    assert (found.call.batched, found.call.wrapped, found.rows) == (False, True, 4)
    assert [float(answer.iloc[0]) for answer in found.output] == [0, 0, 0, 0]
    assert "depends on the records that go in with it" in found.notes[0]


def test_a_transposed_prediction_is_made_one_row_at_a_time():
    def curves(frame):
        return np.outer([1.0, 0.5, 0.25, 0.1], np.exp(frame["a"]))

    found = find_call(curves, FRAME[:4], curves(FRAME[:4]))
    assert (found.call.batched, found.call.wrapped, found.notes) == (False, True, ())
    assert found.output[1].shape == (4, 1)


def test_predictions_that_depend_on_the_index_are_refused():
    def weekday(frame):
        return frame.index.dayofweek.to_numpy()

    sample = FRAME[:4].set_index(pd.date_range("2024-01-01", periods=4))
    with pytest.raises(CallError, match="depend on the index of the sample, which does not go over HTTP"):
        find_call(weekday, sample, weekday(sample))
    assert find_call(lambda frame: frame["a"] * 2, sample).call.batched


def test_a_single_row_has_the_index_that_it_has_in_the_service():
    found = find_call(lambda frame: frame.T, FRAME[:4], FRAME[:4].T)
    assert [list(answer.columns) for answer in found.output] == [[0]] * 4


def test_a_model_that_squeezes_a_single_row_is_asked_one_row_at_a_time(classifier):
    def squeezed(rows):
        return classifier.predict_proba(rows)[:, 1].squeeze()

    found = find_call(squeezed, ROWS[:4], squeezed(ROWS[:4]))
    assert (found.call.batched, found.call.wrapped, found.layout) == (False, True, Layout.WHOLE)
    assert found.notes == ()


def test_a_model_that_takes_one_row_only_is_asked_one_row_at_a_time(classifier):
    class Strict:
        def predict(self, rows):
            if len(rows) != 1:
                raise ValueError("one row, please")
            return classifier.predict(rows)

    found = find_call(Strict(), ROWS[:4], classifier.predict(ROWS[:4]))
    assert (found.call.batched, found.call.wrapped, found.layout) == (False, True, Layout.ROWS)


def test_a_model_of_bare_rows_gets_the_rows_of_an_array():
    found = find_call(lambda row: float(row[0] * 2), ROWS[:4], ROWS[:4, 0] * 2)
    assert (found.call.batched, found.call.wrapped, found.rows) == (False, False, 4)


def test_a_model_that_changes_its_input_leaves_the_sample_as_it_was():
    def predict(frame):
        frame["twice"] = frame.pop("a") * 2
        return frame["twice"]

    sample = FRAME[:4].copy()
    find_call(predict, sample, FRAME["a"][:4] * 2)
    pd.testing.assert_frame_equal(sample, FRAME[:4])


class Catalogue:
    def __init__(self):
        self.calls = 0

    def fit(self, rows):
        raise AssertionError("fit was called")

    def delete_all(self, rows):
        raise AssertionError("delete_all was called")

    def price_of(self, rows):
        self.calls += 1
        return [row["amount"] * 1.5 for row in rows]


def test_a_method_of_a_user_class_is_found_on_a_copy():
    model = Catalogue()
    sample = [{"amount": 2.0}, {"amount": 4.0}]
    found = find_call(model, sample, [3.0, 6.0])
    assert (found.call.method, found.call.batched) == ("price_of", True)


class Effects:
    """Has an input parameter `X=None`, as in econml, and a method that takes only options."""

    def effect(self, X=None, *, T0=0, T1=1):
        return X[:, 0] * (T1 - T0)

    def report(self, decimals=3):
        raise AssertionError("report was called")


def test_a_method_whose_input_may_be_left_out_is_found():
    found = find_call(Effects(), ROWS[:4], ROWS[:4, 0])
    assert (found.call.method, found.call.batched) == ("effect", True)


FOUR = np.array([[1.0, 2.0], [5.0, 4.0], [3.0, 7.0], [0.5, 6.0]])


class Forest:
    """Returns objects, an array with `return_array`, or also the deviation with `return_std`."""

    def predict(self, X, return_std=False, check=True):
        return (X[:, 0], X[:, 1]) if return_std else [str(row) for row in X]

    def curves(self, X, *, return_array=False):
        return np.cumsum(X, axis=1) if return_array else [object() for _ in X]


@pytest.mark.parametrize(
    ("method", "output", "keywords"),
    [
        (None, (FOUR[:, 0], FOUR[:, 1]), (("return_std", True),)),
        ("curves", np.cumsum(FOUR, axis=1), (("return_array", True),)),
    ],
)
def test_a_boolean_parameter_that_gives_the_output_is_set(method, output, keywords):
    found = find_call(Forest(), FOUR, output, method=method)
    assert found.call.keywords == keywords
    assert f"X, {keywords[0][0]}=True) gives the output sample" in found.call.evidence


def test_no_boolean_parameter_is_tried_without_an_output():
    assert find_call(Forest(), FOUR).call.keywords == ()


def test_predict_wins_where_another_method_agrees():
    class Model:
        def predict(self, rows):
            return [row * 2 for row in rows]

        def transform(self, rows):
            return [row * 2 for row in rows]

    assert find_call(Model(), [1.0, 2.0], [2.0, 4.0]).call.method == "predict"


class TwoWays:
    def transform(self, rows):
        return [row * 2 for row in rows]

    def score_samples(self, rows):
        return [row + row for row in rows]


def test_two_methods_that_agree_without_predict_are_an_error_that_names_both():
    with pytest.raises(AmbiguousCallError) as caught:
        find_call(TwoWays(), [1.0, 2.0], [2.0, 4.0])
    assert str(caught.value) == (
        "'transform' and 'score_samples' both give the output sample.\n"
        "Say which one is to be served:\n"
        "  scaffold new ... --method transform\n"
        "  scaffold new ... --method score_samples"
    )
    assert find_call(TwoWays(), [1.0, 2.0], [2.0, 4.0], method="transform").call.method == "transform"


def test_a_method_that_changes_the_model_is_refused_by_name(classifier):
    with pytest.raises(CallError, match="'fit_predict' is not called: by its name it changes something"):
        find_call(classifier, ROWS[:4], method="fit_predict")


def test_a_method_that_is_not_there_is_answered_with_those_that_are(classifier):
    with pytest.raises(CallError, match="It has: predict, predict_proba"):
        find_call(classifier, ROWS[:4], method="predikt")


def test_a_random_model_is_refused():
    def noisy(rows):
        return np.random.default_rng().normal(size=len(rows))

    with pytest.raises(UnstableModelError, match="different answers to the same input: model\\(X\\), twice"):
        find_call(noisy, ROWS[:4])
    with pytest.raises(UnstableModelError):
        find_call(noisy, ROWS[:4], noisy(ROWS[:4]))


def test_one_text_becomes_a_list_of_one_where_the_model_takes_lists():
    def route(texts):
        if isinstance(texts, str):
            raise TypeError("a list of texts, please")
        return ["billing" if "invoice" in text else "other" for text in texts]

    found = find_call(route, "where is my invoice", "billing")
    assert (found.sample, found.call.batched, found.rows) == (["where is my invoice"], True, 1)


def test_a_sample_without_rows_is_refused(classifier):
    with pytest.raises(CallError, match="The input sample holds no records"):
        find_call(classifier, FRAME[:0])


def test_a_frame_with_wrong_columns_lists_the_right_ones(frame_classifier):
    with pytest.raises(CallError) as caught:
        find_call(frame_classifier, FRAME[["class", "a"]].assign(extra=1))
    assert str(caught.value) == (
        "The model does not take the input sample.\n"
        "  model.predict(X) and 3 more: ValueError: The feature names should match those that were passed"
        " during fit. Feature names unseen at fit time: - extra Feature names seen at fit time, yet now"
        " missing: - b c\n"
        "The model wants: a, b c, class\n"
        "The sample has:  class, a, extra\n"
        "  missing: b c\n"
        "  not wanted: extra\n"
        "Give a sample with the columns that the model takes."
    )


def test_an_output_that_no_method_gives_lists_the_results_of_all_methods(classifier):
    with pytest.raises(CallError) as caught:
        find_call(classifier, ROWS[:2], [3, 4])
    lines = str(caught.value).splitlines()
    assert lines[0] == "The model does not give the output sample from the input sample."
    assert lines[1].startswith("  model.predict(X): [0]: '")
    assert lines[1].endswith("', sample_output has 3")


def test_an_output_of_another_length_is_reported(classifier):
    with pytest.raises(
        CallError, match="The input sample has 5 rows, the output sample 3: give their answers"
    ):
        find_call(classifier, ROWS[:5], classifier.predict(ROWS[:3]))


def test_weights_without_their_module_cannot_be_called():
    import torch

    with pytest.raises(CallError, match="the weights of a module without the module"):
        find_call(torch.nn.Linear(2, 1).state_dict(), ROWS[:4])


def test_a_dict_of_models_cannot_be_called(classifier):
    with pytest.raises(CallError, match="The file holds a dict with the keys 'model', 'threshold'"):
        find_call({"model": classifier, "threshold": 0.4}, ROWS[:4])


@pytest.mark.parametrize("make", [sparse.dok_matrix, sparse.dok_array])
def test_a_sparse_matrix_that_is_kept_as_a_dict_has_rows_and_no_options(make: Callable[..., Any]) -> None:
    sample = make(np.array([[0.0, 2.0], [1.0, 0.0], [3.0, 0.0]]))
    found = find_call(lambda X: X.toarray().sum(axis=1), sample)
    assert (found.rows, found.call.batched) == (3, True)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_with_the_columns_in_another_order_is_refused(library):
    model = LinearRegression().fit(FRAME[["a", "class"]], 2 * FRAME["a"] + 100 * FRAME["class"])
    sample = FRAME[["class", "a"]][:5]
    with pytest.raises(NoFittingCallError, match="order of the columns differs"):
        find_call(model, sample if library == "pandas" else pl.from_pandas(sample))
    assert find_call(model, sample.to_numpy()[:, ::-1]).rows == 5


class Wrapper:
    def __init__(self, inner):
        self.inner = inner

    def predict(self, X):
        return self.inner.predict(X)


def test_an_inner_model_that_refuses_the_order_of_the_columns_gets_no_array():
    inner = LinearRegression().fit(FRAME[["a", "class"]], FRAME["a"])
    for model in (Wrapper(inner), lambda X: inner.predict(X)):
        with pytest.raises(NoFittingCallError):
            find_call(model, FRAME[["class", "a"]][:5])


def test_lightgbm_gets_no_columns_in_another_order():
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(verbose=-1).fit(FRAME[["a", "class"]], FRAME["a"])
    sample = FRAME[["class", "a"]][:5]
    for value in (model, model.booster_):
        for each in (sample, sample.to_dict("records")):
            with pytest.raises(NoFittingCallError, match="order of the columns differs"):
                find_call(value, each)
        assert find_call(value, FRAME[["a", "class"]][:5]).rows == 5


@pytest.mark.parametrize("codes", [["\N{THAI DIGIT ONE}", "\N{ARABIC-INDIC DIGIT FOUR}"], ["9" * 5000, "1"]])
def test_digits_that_are_no_number_stay_texts(codes):
    model = LinearRegression().fit(FRAME[["a", "class"]], LABELS == "yes")
    with pytest.raises(NoFittingCallError):
        find_call(model, pd.DataFrame({"a": codes, "class": ["x", "y"]}))
