"""Why a model has no compiled form: sentences that a user understands."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from scaffold.introspect import read_fast_plan
from scaffold.spec import (
    Arguments,
    Artifact,
    Batching,
    GlobalName,
    LocalSource,
    MadeWith,
    ModelFormat,
    NoFastPlan,
    Polars,
    PythonCall,
    Signature,
    Table,
)
from scaffold.verbs._compile import _foreign_reason
from tests.accelerate.compiled import compile_model, signature_of


@pytest.mark.parametrize(
    ("name", "carries_code", "reason"),
    [
        (
            "churn.features.Ratio",
            False,
            "churn.features.Ratio is code of your own, which has no compiled form",
        ),
        ("builder._make_class", True, "the model file carries code of your own, which has no compiled form"),
        (
            "nn.GRU",
            False,
            "nn.GRU has no compiled form (models of scikit-learn, LightGBM, XGBoost and CatBoost have one)",
        ),
    ],
)
def test_a_name_of_another_library_and_code_of_your_own(name: str, carries_code: bool, reason: str) -> None:
    module, _, qualname = name.rpartition(".")
    artifact = Artifact(
        path=Path("model.pkl"),
        sha256="",
        size_bytes=1,
        format=ModelFormat.PICKLE,
        made_with=MadeWith(carries_code=carries_code),
    )
    sources = (LocalSource(path="churn/features.py", content=b"", reason=""),)
    spec: Any = SimpleNamespace(artifact=artifact, dependencies=SimpleNamespace(sources=sources))
    assert _foreign_reason(GlobalName(module=module, qualname=qualname, offset=0), spec) == reason


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (
            pd.DataFrame({"size": [1.0, 2.0], "town": ["A", "B"]}).astype({"town": object}),
            "the column 'town' of dtype object has no compiled form",
        ),
        (
            pd.DataFrame({"size": np.ones(2, np.float32), "rooms": [1, 2]}),
            "columns of float32, int64 in one array have no compiled form",
        ),
    ],
)
def test_columns_that_are_no_array(frame: pd.DataFrame, reason: str, tmp_path: Path) -> None:
    model = LinearRegression().fit([[1.0, 1.0], [2.0, 1.0]], [1, 2])
    assert compile_model(model, frame, "predict", tmp_path) == NoFastPlan(reason=reason)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            PythonCall(method="predict", batching=Batching.ONE_ROW),
            "a model that is called for each record alone has no compiled form",
        ),
        (
            PythonCall(method="predict", batching=Batching.TOGETHER, arguments=Arguments.KEYWORDS),
            "a call with several arguments has no compiled form",
        ),
        (
            PythonCall(method="predict", batching=Batching.TOGETHER, keywords=(("return_std", True),)),
            "LinearRegression with predict(return_std=True) has no compiled form",
        ),
    ],
)
def test_other_calls(call: PythonCall, reason: str) -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0]})
    usual = signature_of(frame, "predict")
    signature = Signature(input=usual.input, output=usual.output, call=call)
    assert read_fast_plan(LinearRegression().fit(frame, [1, 2]), signature) == NoFastPlan(reason=reason)


def test_input_of_another_library() -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0]})
    signature = signature_of(frame, "predict")
    assert isinstance(signature.input, Table)
    table = Table(columns=signature.input.columns, container=Polars())
    found = read_fast_plan(
        LinearRegression().fit(frame, [1, 2]),
        Signature(input=table, output=signature.output, call=signature.call),
    )
    reason = "input other than a frame of pandas or rows of numbers has no compiled form"
    assert found == NoFastPlan(reason=reason)
