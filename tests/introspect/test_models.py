"""Models of many kinds, from their sample to the answers of the generated code."""

from __future__ import annotations

import datetime
import decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from scaffold.errors import CallError, UnsupportedSampleError
from scaffold.introspect import infer_signature
from scaffold.spec import Arguments, Overrides

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=120)
TARGET = NUMBERS + np.tile([0.0, 3.0, 1.0, 2.0], 30)
# Codes that a text file would give back as they are, and whole numbers as levels.
FITTED = pd.DataFrame(
    {
        "size": NUMBERS,
        "city": pd.Categorical(["oslo", "bergen", "rome", "bergen"] * 30),
        "zone": pd.Categorical([101, 203, 302, 101] * 30),
    }
)
PEOPLE = pd.DataFrame({"age": [63, 20, 41], "fare": [51.25, 7.5, 8.0], "name": ["Ada", "Bo", "Cy"]})


def answers(service: Any) -> list[Any]:
    """Return what the service answers to the recorded requests, together and one by one."""
    requests, recorded = service.found.recording.requests, list(service.found.recording.answers)
    assert service.score(*requests) == recorded
    assert [service.score(request)[0] for request in requests] == recorded
    return recorded


# ------------------------------------------------------------------ categories that a file cannot say


@cache
def _lightgbm():
    import lightgbm

    return lightgbm.LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1).fit(FITTED, TARGET)


@cache
def _lightgbm_file():
    import lightgbm

    return lightgbm.Booster(model_str=_lightgbm().booster_.model_to_string())


@cache
def _lightgbm_in_a_search():
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(_lightgbm(), {"max_depth": [3]}, cv=2).fit(FITTED, TARGET)


@cache
def _lightgbm_in_a_pipeline():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(), _lightgbm()).fit(FITTED, TARGET)


class Held:
    """A class of a user that wraps a model."""

    def __init__(self, inner):
        self.inner = inner

    def predict(self, rows):
        return self.inner.predict(rows)


@cache
def _xgboost():
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=5, max_depth=3, enable_categorical=True)
    return model.fit(FITTED, TARGET)


@cache
def _catboost():
    import catboost

    plain = FITTED.astype({"city": str, "zone": int})
    model = catboost.CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False)
    return model.fit(plain, TARGET, cat_features=["city", "zone"])


@pytest.mark.parametrize("form", ["a file of text", "three rows of it", "a list of objects", "one object"])
@pytest.mark.parametrize(
    "make",
    [
        _lightgbm,
        _lightgbm_file,
        _lightgbm_in_a_search,
        _lightgbm_in_a_pipeline,
        lambda: Held(_lightgbm()),
        _xgboost,
        _catboost,
    ],
)
def test_strings_of_a_file_become_the_categories_of_the_model(serve, make, form):
    model, plain = make(), FITTED[:8].astype({"city": str, "zone": int})
    want = [float(value) for value in model.predict(plain if make is _catboost else FITTED[:8])]
    sample, want = {
        "a file of text": (plain, want),
        "three rows of it": (plain[:3], want[:3]),
        "a list of objects": (plain.to_dict("records"), want),
        "one object": (plain.to_dict("records")[0], want[:1]),
    }[form]
    service = serve(model, sample, want)
    assert [answer["prediction"] for answer in answers(service)] == pytest.approx(want, rel=1e-6)
    if make is not _catboost:
        assert "The levels that the model was fitted on." in service.sources["app/schemas.py"]
        with pytest.raises(ValidationError, match="'oslo' or 'rome'"):
            service.check(service.found.recording.requests[0] | {"city": "paris"})


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_an_integer_field_takes_fractions_if_the_training_data_had_fractions(serve, library):
    import lightgbm
    import xgboost

    models = {
        "xgboost": xgboost.XGBRegressor(n_estimators=2),
        "lightgbm": lightgbm.LGBMRegressor(n_estimators=2, verbose=-1),
    }
    fitted = pd.DataFrame({"age": NUMBERS, "rooms": np.arange(120)})
    service = serve(models[library].fit(fitted, TARGET), pd.DataFrame({"age": [31, 40], "rooms": [2, 3]}))
    answers(service)
    assert service.score({"age": 30.5, "rooms": 2})
    with pytest.raises(ValidationError, match="rooms"):
        service.check({"age": 30.5, "rooms": 2.5})
    assert "Whole in every row, a number with a fraction in the model." in service.sources["app/schemas.py"]


# ------------------------------------------------------------------ what a person says


def test_a_category_may_be_null_if_asked_and_is_limited_already(serve):
    service = serve(_lightgbm(), FITTED[:4], overrides=Overrides(nullable=("city",)))
    assert "May be null, as was asked. The levels that the model" in service.sources["app/schemas.py"]
    assert service.score({"size": 0.5, "city": None, "zone": 101})
    for name, advice in (("city", "only the levels of its category. Leave"), ("size", "\nLeave")):
        with pytest.raises(UnsupportedSampleError, match=f"{advice} --choices out"):
            infer_signature(_lightgbm(), FITTED[:4], overrides=Overrides(choices=(name,)))


# ------------------------------------------------------------------ rows as Series


def _age_by_attribute(row):
    return "old" if row.age > 40 else "young"


def _age_by_key(row):
    return "old" if row["age"] > 40 else "young"


def _sum_of_a_series(row):
    return float(row[["age", "fare"]].astype(float).sum())


@pytest.mark.parametrize("function", [_age_by_attribute, _age_by_key, _sum_of_a_series])
@pytest.mark.parametrize("sample", [PEOPLE, PEOPLE.to_dict("records")])
def test_a_function_of_one_row_of_a_frame_gets_it_as_a_series(serve, function, sample):
    want = [function(row) for _, row in PEOPLE.iterrows()]
    service = serve(function, sample, want)
    assert not service.found.signature.call.batched
    assert [answer["prediction"] for answer in answers(service)] == want
    assert service.found.recording.requests[0] == {"age": 63, "fare": 51.25, "name": "Ada"}


@pytest.mark.parametrize("rows", ["iterrows", "itertuples"])
def test_whether_whole_numbers_of_a_row_become_floats_is_seen_from_the_output(serve, rows):
    def label(row):
        return f"{row.age} years" if row.age else ""

    numbers = PEOPLE[["age", "fare"]]
    seen = [row for _, row in numbers.iterrows()] if rows == "iterrows" else list(numbers.itertuples())
    want = [label(row) for row in seen]
    assert [answer["prediction"] for answer in answers(serve(label, numbers, want))] == want
    assert want[0] == ("63.0 years" if rows == "iterrows" else "63 years")


# ------------------------------------------------------------------ annotations


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("name", "sample"), [("Flat", {"area": 40.5, "rooms": 2}), ("Line", {"sku": "a", "count": 2})]
)
def test_plain_objects_are_converted_to_the_annotation_of_a_parameter(serve, records, name, sample, several):
    kind = getattr(records, name)

    def twice(record):
        return 2 * (record.rooms if isinstance(record, records.Flat) else record.count)

    twice.__annotations__ = {"record": kind}
    service = serve(twice, [sample] if several else sample, [4] if several else 4)
    given = service.found.sample
    assert isinstance(given[0] if several else given, kind)
    assert answers(service) == [{"prediction": 4}]


def test_a_list_of_annotated_objects_is_batched(serve, records):
    def areas(flats):
        return [flat.area for flat in flats]

    areas.__annotations__ = {"flats": list[records.Flat]}  # type: ignore[name-defined]
    service = serve(areas, pd.DataFrame({"area": [41.0, 20.5], "rooms": [2, 1]}), [41.0, 20.5])
    assert service.found.signature.call.batched
    assert answers(service) == [{"prediction": 41.0}, {"prediction": 20.5}]


def test_strings_are_converted_to_annotated_dates_and_decimals(serve):
    def fee(due: datetime.date, amount: decimal.Decimal = decimal.Decimal(1)) -> str:
        return f"{due.year}: {amount:.2f}"

    service = serve(fee, [{"due": "2024-02-29", "amount": "12.5"}], ["2024: 12.50"])
    assert answers(service) == [{"prediction": "2024: 12.50"}]
    with pytest.raises(ValidationError, match="due"):
        service.check({"due": "2024-02-30", "amount": "1"})


# ------------------------------------------------------------------ MLflow's classes


class Doubled:
    """A class written for MLflow."""

    def predict(self, context, model_input, params=None):
        return model_input["a"] * 2


@pytest.mark.parametrize("output", [None, [2, 6]])
def test_a_class_with_a_context_parameter_gets_none(serve, output):
    service = serve(Doubled(), pd.DataFrame({"a": [1, 3]}), output)
    call = service.found.signature.call
    assert (call.arguments, call.batched) == (Arguments.AFTER_CONTEXT, True)
    assert answers(service) == [{"prediction": 2}, {"prediction": 6}]


# ------------------------------------------------------------------ arguments that are arrays


def test_arrays_for_arguments_with_defaults_are_batched(serve):
    def embed(input_ids, attention_mask=None):
        return {"logits": input_ids * 1.0 * attention_mask}

    sample = {"input_ids": np.array([[1, 2], [3, 4]]), "attention_mask": np.array([[1, 0], [1, 1]])}
    service = serve(embed, sample)
    assert service.found.signature.call.batched
    assert answers(service) == [{"logits": [1.0, 0.0]}, {"logits": [3.0, 4.0]}]


# ------------------------------------------------------------------ what is refused, and how to go on


async def _later(rows):
    return rows


def _bit_by_bit(rows):
    yield from rows


def _opening(rows):
    return Path("words/stop.txt").read_text()


class Loaded:
    """A model whose parts MLflow loads."""

    def load_context(self, context):
        self.factor = 2

    def predict(self, context, model_input):
        return model_input * self.factor


class Nothing:
    """Not a model."""


@pytest.mark.parametrize(
    ("model", "ending"),
    [
        (_later, "def predict(self, X): return asyncio.run(self.model(X))"),
        (_bit_by_bit, "def predict(self, X): return list(self.model(X))"),
        (_opening, "open(Path(__file__).parent / 'words/stop.txt')"),
        (Loaded(), "def predict(self, X): return self.model.predict(None, X)"),
        (Doubled, "The file holds the class Doubled itself. Save an instance of it: Doubled(...)"),
        ({"model": Doubled()}, "def predict(self, X): return self.parts[...].predict(X)"),
        ([Doubled()], "def predict(self, X): return self.parts[...].predict(X)"),
        (Nothing(), "def predict(self, X): return ...  # what the model says of X"),
        (
            lambda rows: 1 / 0,
            "def predict(self, X): return self.model(X)  # build what it takes, shape what it gives",
        ),
    ],
)
def test_an_unsupported_model_gets_a_class_to_copy(model, ending):
    with pytest.raises(CallError) as caught:
        infer_signature(model, np.ones((2, 2)))
    assert str(caught.value).endswith(ending)


# ------------------------------------------------------------------ torch


def test_objects_of_several_inputs_are_stacked_into_a_tensor_for_each(serve):
    import torch

    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(5, 3)

        def forward(self, user, rows):
            return (self.embed(user) + rows).sum(1)

    one = {"user": 1, "rows": [0.5, 1.0, 2.0]}
    for sample in ([one, {"user": 4, "rows": [1.0, 2.0, 3.5]}], one):
        service = serve(Two(), sample)
        assert service.found.signature.call.batched
        assert service.found.recording.requests[0] == one
        answers(service)


def test_objects_of_numbers_are_the_rows_of_a_modules_array(serve):
    import torch

    service = serve(torch.nn.Linear(2, 1), [{"a": 1.5, "b": 2}, {"a": 0.5, "b": 3}])
    assert service.found.recording.requests[0] == {"a": 1.5, "b": 2.0}
    answers(service)


def test_an_output_that_is_a_mapping_with_attributes_is_a_mapping():
    import collections

    import torch

    class Output(collections.OrderedDict[str, Any]):
        def __getattr__(self, name):
            return self[name]

    class Module(torch.nn.Module):
        def forward(self, rows):
            return Output(logits=rows * 2)

    recording = infer_signature(Module(), torch.ones(2, 2)).recording
    assert recording.answers == ({"logits": [2.0, 2.0]},) * 2


# ------------------------------------------------------------------ arrays of other kinds


def test_a_masked_prediction_is_null_and_a_matrix_is_split_into_rows(serve):
    class Masked:
        def predict(self, rows):
            return np.ma.masked_less(np.asarray(rows)[:, 0], 0)

    class Matrix:
        def predict(self, rows):
            return np.matrix(rows)

    service = serve(Masked(), np.matrix([[1.0, 2.0], [-1.0, 3.0]]))
    assert service.found.recording.requests[1] == {"data": [-1.0, 3.0]}
    assert [answer["prediction"] for answer in answers(service)] == [1.0, None]
    service = serve(Matrix(), np.array([[1.0, 2.0], [-1.0, 3.0]]))
    assert [answer["prediction"] for answer in answers(service)] == [[1.0, 2.0], [-1.0, 3.0]]


def test_a_graph_of_neighbours_becomes_lists(serve):
    from sklearn.neighbors import NearestNeighbors

    rows = RNG.normal(size=(30, 2))
    model = NearestNeighbors(n_neighbors=2).fit(rows)
    service = serve(model, rows[:4], model.kneighbors_graph(rows[:4]))
    assert service.found.signature.call.method == "kneighbors_graph"
    answers(service)


# ------------------------------------------------------------------ answers over time


@cache
def _cox():
    import lifelines

    frame = pd.DataFrame({"age": np.arange(20, 80), "dose": NUMBERS[:60]})
    frame["time"] = np.round(np.abs(NUMBERS[60:]) * 10, 1) + 0.1
    return lifelines.CoxPHFitter().fit(frame, "time"), frame[["age", "dose"]][:3]


def test_a_survival_curve_keeps_its_times(serve):
    model, sample = _cox()
    curves = model.predict_survival_function(sample)
    for output in (curves, None):
        method = None if output is not None else "predict_survival_function"
        service = serve(model, sample, output, method=method)
        for place, answer in enumerate(answers(service)):
            assert [point["index"] for point in answer["prediction"]] == list(curves.index)
            values = [point["value"] for point in answer["prediction"]]
            assert values == pytest.approx(curves[place].tolist())


def test_a_forecast_that_is_a_frame_keeps_its_days(serve):
    class Forecast:
        def predict(self, record):
            days = pd.date_range(record["start"], periods=2, name="day")
            return pd.DataFrame({"mean": [1.0, 2.0], "upper": [2.0, 3.0]}, index=days)

    service = serve(Forecast(), [{"start": "2024-02-28"}, {"start": "2024-05-01"}])
    assert answers(service)[0]["prediction"] == [
        {"day": "2024-02-28T00:00:00", "mean": 1.0, "upper": 2.0},
        {"day": "2024-02-29T00:00:00", "mean": 2.0, "upper": 3.0},
    ]
