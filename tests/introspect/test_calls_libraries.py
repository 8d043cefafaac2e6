"""Models of many libraries: each is called as its library requires."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from scaffold.errors import CallError
from scaffold.introspect._layouts import Layout
from scaffold.introspect.call._calls import find_call
from scaffold.spec import Arguments, BoosterCall, Feed, TorchCall

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(120, 3))
FLAGS = (ROWS[:, 0] + ROWS[:, 1] + 0.5 * RNG.normal(size=120) > 0).astype(int)
LABELS = np.where(FLAGS, "yes", "no")
FRAME = pd.DataFrame(ROWS, columns=["a", "b c", "d"])
SAMPLE = FRAME[:5]


def batched(found, method, rows=5):
    assert (found.call.method, found.call.batched, found.rows) == (method, True, rows)
    return True


# ------------------------------------------------------------------ xgboost, lightgbm, catboost


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_xgboost_classifier(method):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(FRAME, FLAGS)
    assert batched(find_call(model, SAMPLE, getattr(model, method)(SAMPLE)), method)


@pytest.mark.parametrize(
    "sample", [SAMPLE, SAMPLE.to_numpy(), SAMPLE.to_numpy().tolist(), SAMPLE.to_dict("records")]
)
def test_an_xgboost_booster_takes_frames_arrays_and_lists(sample):
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(FRAME, FLAGS), 3)
    found = find_call(booster, sample, booster.predict(xgboost.DMatrix(SAMPLE)))
    assert batched(found, "predict")
    assert isinstance(found.call, BoosterCall)


def test_a_dmatrix_is_described_as_its_frame():
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(FRAME, FLAGS), 3)
    sample = xgboost.DMatrix(SAMPLE.assign(d=[0.5, np.nan, 0.25, 0.0, 1.0]))
    found = find_call(booster, sample, booster.predict(sample))
    assert batched(found, "predict")
    assert (list(found.sample.columns), int(found.sample["d"].isna().sum())) == (["a", "b c", "d"], 1)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_lightgbm_classifier(method):
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(FRAME, LABELS)
    assert batched(find_call(model, SAMPLE, getattr(model, method)(SAMPLE)), method)


def test_lightgbm_booster():
    import lightgbm

    booster = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(FRAME, ROWS[:, 0]).booster_
    assert batched(find_call(booster, SAMPLE, booster.predict(SAMPLE)), "predict")


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_catboost_classifier(method):
    import catboost

    model = catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False).fit(FRAME, LABELS)
    assert batched(find_call(model, SAMPLE, getattr(model, method)(SAMPLE)), method)


# ------------------------------------------------------------------ look-alikes of scikit-learn


def test_imbalanced_learn_pipeline():
    from imblearn import pipeline as imblearn
    from imblearn.over_sampling import RandomOverSampler

    model = imblearn.make_pipeline(RandomOverSampler(random_state=0), LogisticRegression()).fit(FRAME, LABELS)
    assert batched(find_call(model, SAMPLE, model.predict_proba(SAMPLE)), "predict_proba")


def test_category_encoders():
    import category_encoders as encoders

    frame = pd.DataFrame({"k": list("abcab"), "v": [1, 2, 3, 4, 5]})
    encoder = encoders.TargetEncoder(cols=["k"]).fit(frame, [1, 0, 1, 0, 1])
    assert batched(find_call(encoder, frame, encoder.transform(frame)), "transform")


# ------------------------------------------------------------------ lifelines, statsmodels


@pytest.fixture(scope="module")
def survival():
    import lifelines

    frame = pd.DataFrame({"age": RNG.integers(20, 60, 80), "dose": RNG.normal(size=80)})
    frame["time"] = np.round(RNG.exponential(10 - frame["dose"]), 1) + 0.1
    frame["seen"] = RNG.random(80) < 0.8
    return lifelines.CoxPHFitter().fit(frame, "time", "seen"), frame[["age", "dose"]][:4]


@pytest.mark.parametrize("method", ["predict_partial_hazard", "predict_expectation"])
def test_lifelines_numbers_are_batched(survival, method):
    model, sample = survival
    assert batched(find_call(model, sample, getattr(model, method)(sample)), method, 4)


def test_a_lifelines_median_of_one_row_is_a_bare_number(survival):
    model, sample = survival
    found = find_call(model, sample, model.predict_median(sample))
    assert (found.call.batched, found.call.wrapped, found.layout) == (False, True, Layout.WHOLE)
    assert found.output == model.predict_median(sample).tolist()


def test_lifelines_curves_are_predicted_one_row_at_a_time(survival):
    model, sample = survival
    found = find_call(model, sample, model.predict_survival_function(sample))
    assert (found.call.method, found.call.batched, found.call.wrapped) == (
        "predict_survival_function",
        False,
        True,
    )
    assert (found.rows, found.layout, found.notes) == (4, Layout.WHOLE, ())


def test_statsmodels_formula_takes_frames_and_dicts():
    from statsmodels.formula import api as formula

    frame = FRAME.assign(y=ROWS[:, 0] * 2 + ROWS[:, 2], g=pd.Categorical(LABELS))
    results = formula.ols("y ~ d + C(g)", frame).fit()
    sample = frame[["d", "g"]][:5]
    assert batched(find_call(results, sample, results.predict(sample)), "predict")
    one = find_call(results, {"d": 1.0, "g": "yes"}, float(results.predict({"d": 1.0, "g": "yes"}).iloc[0]))
    assert batched(one, "predict", 1)


def test_statsmodels_arrays():
    from statsmodels import api

    rows = api.add_constant(ROWS)
    results = api.GLM(FLAGS, rows, family=api.families.Binomial()).fit()
    assert batched(find_call(results, rows[:5], results.predict(rows[:5])), "predict")


@pytest.mark.parametrize(
    ("sample", "arguments", "given"),
    [
        (3, Arguments.ONE, True),
        ({"steps": 3}, Arguments.KEYWORDS, True),
        ({"steps": 3}, Arguments.KEYWORDS, False),
    ],
)
def test_a_forecast_is_one_record_however_long_its_answer(sample, arguments, given):
    from statsmodels.tsa.arima import model as arima

    results = arima.ARIMA(np.cumsum(ROWS[:, 0]), order=(1, 1, 0)).fit()
    found = find_call(results, sample, results.forecast(3) if given else None)
    assert (found.call.method, found.call.arguments, found.rows) == ("forecast", arguments, None)
    assert found.layout is Layout.WHOLE


# ------------------------------------------------------------------ torch


@pytest.fixture(scope="module")
def network():
    import torch

    torch.manual_seed(0)
    layers = [torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)]
    return torch.nn.Sequential(*layers)


def test_a_module_answers_in_eval_mode_without_gradients_and_is_left_as_it_was(network):
    import torch

    rows = torch.tensor(ROWS[:5], dtype=torch.float32)
    network.eval()
    want = network(rows).detach()
    network.train()
    found = find_call(network, rows, want)
    assert batched(found, "__call__")
    assert isinstance(found.call, TorchCall)
    assert (network.training, found.output.requires_grad) == (True, False)


def test_a_frame_goes_to_a_module_as_an_array_that_keeps_the_names(network):
    found = find_call(network, SAMPLE)
    assert batched(found, "__call__")
    assert (found.names, found.call.tensor, found.sample.dtype) == (("a", "b c", "d"), True, np.float32)


@pytest.mark.parametrize("sample", [ROWS[:5], ROWS[:5].tolist()])
def test_rows_become_tensors_of_the_dtype_that_the_weights_have(network, sample):
    found = find_call(network, sample)
    assert batched(found, "__call__")
    assert str(found.sample.dtype) == "torch.float32"


def test_a_module_of_several_inputs_takes_them_by_name():
    import torch

    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = torch.nn.Embedding(5, 3), torch.nn.Linear(6, 1)

        def forward(self, user, rows):
            return self.out(torch.cat([self.embed(user), rows], 1)).squeeze(1)

    model = Two().eval()
    arguments = {"user": torch.tensor([0, 1, 2, 3, 4]), "rows": torch.tensor(ROWS[:5], dtype=torch.float32)}
    want = model(**arguments).detach()
    for sample in (arguments, tuple(arguments.values()), {k: v.tolist() for k, v in arguments.items()}):
        found = find_call(model, sample, want)
        assert batched(found, "__call__")
        assert (found.call.arguments, list(found.sample)) == (Arguments.KEYWORDS, ["user", "rows"])


def test_named_outputs_answer_rows_by_parts():
    import torch

    class Named(torch.nn.Module):
        def forward(self, rows):
            return {"twice": rows * 2, "sum": rows.sum(1)}

    found = find_call(Named(), torch.ones(2, 2))
    assert (found.call.batched, found.layout) == (True, Layout.PARTS)


def test_rounding_of_a_network_inside_a_class_does_not_look_like_answers_that_depend_on_other_rows():
    import torch

    torch.manual_seed(0)
    layers = [torch.nn.Linear(3, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.Linear(128, 9)]

    class Scorer:
        def __init__(self):
            self.network = torch.nn.Sequential(*layers)

        def predict(self, rows):
            with torch.no_grad():
                return self.network(torch.tensor(rows, dtype=torch.float32)).tolist()

    assert batched(find_call(Scorer(), ROWS[:64]), "predict", 64)


def test_torchscript():
    import torch

    scripted = torch.jit.trace(torch.nn.Linear(3, 2), torch.ones(1, 3))
    assert batched(find_call(scripted, torch.ones(5, 3)), "__call__")


# ------------------------------------------------------------------ onnx


def session_of(model, example, **options):
    import onnxruntime
    import skl2onnx

    content = skl2onnx.to_onnx(model, example, **options).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


SINGLE = ROWS.astype("float32")


@pytest.mark.parametrize("sample", [SINGLE[:5], ROWS[:5], ROWS[:5].tolist(), SAMPLE, {"X": SINGLE[:5]}])
def test_a_session_gets_an_array_of_its_inputs_dtype(sample):
    session = session_of(LinearRegression().fit(SINGLE, ROWS[:, 0]), SINGLE[:1])
    found = find_call(session, sample, session.run(None, {"X": SINGLE[:5]})[0])
    assert batched(found, "run")
    assert (found.call.inputs, found.sample.dtype, found.output.shape) == (("X",), np.float32, (5, 1))


@pytest.mark.parametrize("sample", [SAMPLE.to_dict("records"), SAMPLE.to_dict("records")[0]])
def test_a_session_gets_the_numbers_of_objects_as_rows_that_keep_their_names(sample):
    session = session_of(LinearRegression().fit(SINGLE, ROWS[:, 0]), SINGLE[:1])
    found = find_call(session, sample)
    assert batched(found, "run", 5 if isinstance(sample, list) else 1)
    assert (found.names, found.sample.dtype) == (("a", "b c", "d"), np.float32)


def test_the_output_sample_decides_which_outputs_of_a_session_are_used():
    model = LogisticRegression().fit(SINGLE, LABELS)
    session = session_of(model, SINGLE[:1], options={"zipmap": False})
    labels, probabilities = session.run(None, {"X": SINGLE[:5]})
    label, probability = (output.name for output in session.get_outputs())
    assert find_call(session, SINGLE[:5], labels).call.outputs == (label,)
    assert find_call(session, SINGLE[:5], probabilities).call.outputs == (probability,)
    for both in (None, [labels, probabilities], {label: labels, probability: probabilities}):
        found = find_call(session, SINGLE[:5], both)
        assert (found.call.outputs, found.layout) == ((label, probability), Layout.PARTS)


def test_a_session_with_an_input_for_each_column_gets_columns():
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = FRAME.rename(columns={"b c": "b"})
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), ["a", "b", "d"])]), LinearRegression())
    session = session_of(model.fit(frame, ROWS[:, 0]), frame.astype("float32")[:1])
    for sample in (frame[:5], frame[:5].to_dict("records")):
        found = find_call(session, sample)
        assert batched(found, "run")
        assert (found.call.feed is Feed.COLUMNS, {array.shape for array in found.sample.values()}) == (
            True,
            {(5,)},
        )


def test_a_sample_that_a_session_refuses_is_reported_with_its_inputs():
    session = session_of(LinearRegression().fit(SINGLE, ROWS[:, 0]), SINGLE[:1])
    with pytest.raises(CallError, match=r"Give a sample of what it takes: X float32 \(n, 3\)"):
        find_call(session, ROWS[:5, :2])
    with pytest.raises(CallError, match=r"Give a sample of what it takes: X float32 \(n, 3\)"):
        find_call(session, ["some", "text"])


def test_a_session_with_a_batch_size_of_one_gets_single_rows():
    import onnx
    import onnxruntime

    helper = onnx.helper
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in "XY")
    graph = helper.make_graph([helper.make_node("Softmax", ["X"], ["Y"])], "g", [x], [y])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(content.SerializeToString())
    exp = np.exp(SINGLE[:5])
    found = find_call(session, SINGLE[:5], exp / exp.sum(axis=1, keepdims=True))
    assert (found.call.batched, found.call.wrapped, found.layout) == (False, True, Layout.ROWS)


# ------------------------------------------------------------------ no library


def test_functions_callables_and_partials():
    import functools

    class Scorer:
        def __call__(self, record):
            return record["a"] * 2

    def score(factor, record):
        return record["a"] * factor

    for model in (Scorer(), functools.partial(score, 2), lambda record: record["a"] * 2):
        found = find_call(model, [{"a": 1}, {"a": 4}], [2, 8])
        assert (found.call.method, found.call.batched, found.rows) == ("__call__", False, 2)


def test_warnings_and_prints_of_the_model_are_suppressed(capsys):
    def predict(rows):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        print("predicting")
        return rows * 2

    find_call(predict, ROWS[:2])
    assert capsys.readouterr().out == ""
