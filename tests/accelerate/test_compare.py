"""The comparison of a compiled model with its model finds faults, and says where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNetCV, LassoCV, LogisticRegression, LogisticRegressionCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from scaffold.base.templates import template_path
from scaffold.errors import WorkerMessageError
from scaffold.introspect.fast import _ensemble
from scaffold.render._fast import fast_files
from scaffold.spec import FastBranch, FastOption, NoFastPlan
from tests.accelerate.compiled import Compiled, compile_model, requests_of


def _frame() -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    age = np.where(numbers.random(120) < 0.1, np.nan, numbers.normal(30, 12, 120))
    words = numbers.choice(["red", "blue", "green"], 120).astype(object)
    words[:5] = None
    return pd.DataFrame({"age": age, "fare": numbers.gamma(2, 9, 120), "color": pd.array(words, dtype="str")})


def _compiled(last: Any, folder: Path) -> Compiled:
    frame = _frame()
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare"]),
        (OneHotEncoder(handle_unknown="ignore"), ["color"]),
    )
    model = make_pipeline(columns, last).fit(frame, np.arange(120) % 3)
    compiled = compile_model(model, frame, "predict_proba", folder)
    assert isinstance(compiled, Compiled)
    return compiled


def _with_fault(compiled: Compiled, fault: Callable[[Any], None]) -> Any:
    """Return the difference that the comparison finds where the compiled model has a fault."""
    of_project = compiled.compare.FastModel

    def faulty(constants: Any) -> Any:
        fast = of_project(constants)
        fault(fast)
        return fast

    compiled.compare.FastModel = faulty
    return compiled.compare.compare(200)["difference"]


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return _compiled(LogisticRegression(), tmp_path_factory.mktemp("linear"))


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return _compiled(RandomForestClassifier(20), tmp_path_factory.mktemp("forest"))


def test_an_equal_model_has_no_difference(linear: Compiled, forest: Compiled) -> None:
    assert linear.compare.compare(200)["difference"] is None
    assert forest.compare.compare(200)["difference"] is None
    assert forest.compare.compare(50)["thresholds"] > 1000


def _scale(fast: Any) -> None:
    fast.standard_scaler.scale = fast.standard_scaler.scale * (1 + 1e-10)


def _forget_category(fast: Any) -> None:
    del fast.one_hot_encoder.places[0]["blue"]


def _turn_sign(fast: Any) -> None:
    fast.last.coef = -fast.last.coef


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        (_scale, "ColumnTransformer"),
        (_forget_category, "ColumnTransformer"),
        (_turn_sign, "LogisticRegression"),
    ],
)
def test_a_fault_is_found_with_its_step(linear: Compiled, fault: Callable[[Any], None], step: str) -> None:
    usual = linear.compare.FastModel
    difference = _with_fault(linear, fault)
    linear.compare.FastModel = usual
    assert (difference["step"], difference["method"]) == (step, "predict_proba")
    assert difference["fast"] != difference["model"]
    assert difference["row"]


def test_a_threshold_that_is_off_by_one_ulp_is_found(forest: Compiled) -> None:
    root = forest.compare.load_model()[-1].estimators_[3].tree_  # which each row passes

    def shift(fast: Any) -> None:
        columns = [number for number, *_ in fast.last.trees.columns]
        cuts = fast.last.trees.cuts[columns.index(root.feature[0])]
        narrow = np.float32(root.threshold[0])
        cuts[cuts.searchsorted(root.threshold[0])] = np.nextafter(narrow, np.float32(np.inf))

    usual = forest.compare.FastModel
    difference = _with_fault(forest, shift)
    forest.compare.FastModel = usual
    assert difference is not None
    assert difference["step"] == "RandomForestClassifier"


def test_a_subclass_is_left_alone(tmp_path: Path) -> None:
    class OwnScaler(StandardScaler):
        pass

    frame = _frame()[["fare"]]
    model = make_pipeline(OwnScaler(), LogisticRegression()).fit(frame, np.arange(120) % 2)
    assert compile_model(model, frame, "predict", tmp_path) == NoFastPlan(
        reason="OwnScaler has no compiled form"
    )


def test_a_model_with_too_many_nodes_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ensemble, "MOST_NODES", 500)
    frame = _frame()[["fare"]]
    model = RandomForestClassifier(10, max_depth=1).fit(frame, np.arange(120) % 20)
    assert compile_model(model, frame, "predict", tmp_path) == NoFastPlan(
        reason="600 nodes have no compiled form"
    )


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (OneHotEncoder(handle_unknown="ignore"), ["color"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder()), ["color"]),
        (OneHotEncoder(handle_unknown="ignore"), ["color", "fare"]),
        (StandardScaler(), ["fare", "count"]),
    ],
)
def test_steps_on_a_whole_frame_are_compiled(step: Any, names: list[str], tmp_path: Path) -> None:
    frame = _frame().assign(count=np.float32(np.arange(120)))[names]
    model = make_pipeline(step, LogisticRegression()).fit(frame, np.arange(120) % 2)
    compiled = compile_model(model, frame, "predict_proba", tmp_path)
    assert isinstance(compiled, Compiled)
    assert compiled.compare.compare(200)["difference"] is None


@pytest.mark.parametrize("last", [RidgeCV(), LassoCV(), ElasticNetCV(), LogisticRegressionCV(Cs=2)])
def test_a_linear_model_that_chose_its_penalty_is_compiled(last: Any, tmp_path: Path) -> None:
    frame = _frame()[["fare"]]
    model = make_pipeline(StandardScaler(), last).fit(frame, np.arange(120) % 3)
    compiled = compile_model(model, frame, "predict", tmp_path)
    assert isinstance(compiled, Compiled)
    assert compiled.compare.compare(200)["difference"] is None


@pytest.mark.parametrize("indicates", [False, True])
def test_missing_values_of_32_bits_are_filled_in_32_bits(indicates: bool, tmp_path: Path) -> None:
    frame = _frame()[["age", "fare"]].astype("float32")
    steps = [SimpleImputer(add_indicator=indicates), StandardScaler(), OneHotEncoder(handle_unknown="ignore")]
    model = make_pipeline(*steps, LogisticRegression()).fit(frame, np.arange(120) % 2)
    compiled = compile_model(model, frame, "predict_proba", tmp_path)
    assert isinstance(compiled, Compiled)
    assert compiled.compare.compare(200)["difference"] is None


def test_a_sample_survives_as_requests() -> None:
    assert requests_of(_frame().head(1).assign(color=None))[0]["color"] is None


def test_a_plan_of_a_hostile_worker_is_no_code(linear: Compiled) -> None:
    plan = linear.plan
    last = plan.estimator
    hostile = [
        replace(last, step="__import__"),
        replace(last, step='x") or evil("'),
        replace(last, step="sigmoid"),
        replace(last, options=(FastOption(parameter="a=evil()", value=1),)),
        replace(last, constants=(replace(last.constants[0], parameter='a"] or evil("'),)),
        replace(last, constants=(replace(last.constants[0], dtype="|O8"),)),
        replace(last, constants=(replace(last.constants[0], shape=(2**40,)),)),
    ]
    for step in hostile:
        with pytest.raises(WorkerMessageError):
            fast_files(replace(plan, estimator=step))
    quoted = replace(last, options=(FastOption(parameter="probabilities", value='x") or evil("'),))
    code = fast_files(replace(plan, estimator=quoted))["app/fast.py"].decode()
    assert "probabilities='x\") or evil(\"'" in code
    with pytest.raises(WorkerMessageError):
        fast_files(replace(plan, methods=("predict", "evil")))
    branch = FastBranch(columns=("age",), numeric=True, dtype="float32) or evil(")
    with pytest.raises(WorkerMessageError):
        fast_files(replace(plan, branches=(branch,)))


@pytest.mark.parametrize(
    ("own", "usual", "dtype", "is_same"),
    [
        ([[0.9999997, 3e-7]], [[0.9999997, 4e-7]], "f4", True),  # 1 - p has no more digits
        ([3e-7], [4e-7], "f4", False),
        ([[0.5001, 0.4999]], [[0.5, 0.5]], "f4", False),
        ([[np.inf, 1.0]], [[np.inf, 2.0]], "f4", False),
        ([[np.inf, np.nan]], [[np.inf, np.nan]], "f4", True),
        ([[0.9999997, 3e-7]], [[0.9999997, 4e-7]], "f8", False),
        ([[1 / 3, 3e-9]], [[1 / 3 + 1e-14, 3e-9]], "f8", True),
    ],
)
def test_floats_of_32_bits_are_equal_to_the_digits_that_they_have(
    own: list[Any], usual: list[Any], dtype: str, is_same: bool
) -> None:
    source = (template_path("service") / "fast_check/compare.py").read_text()
    module: dict[str, Any] = {"np": np, "Outcome": Any}
    for part in ("RELATIVE = ", "SMALLEST = ", "TOLERANCE = "):
        exec(source[source.index(part) :].partition("\n")[0], module)
    exec(source[source.index("def same(") : source.index("def compare(")], module)
    assert module["same"](np.array(own, dtype), np.array(usual, dtype)) is is_same
