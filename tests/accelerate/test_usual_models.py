"""Usual models on public data: which form each has, and that it returns what the model returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scaffold.spec import Accelerate
from tests.accelerate.compiled import Compiled, compile_model

PASSENGERS = Path(__file__).parents[2] / "examples" / "titanic" / "titanic.csv"
ROWS = 200
Fitted: TypeAlias = tuple[Any, Any, str]
"""A model, rows for it, and the method that is called."""


def _boosted_trees_on_an_array() -> Fitted:
    X, y = datasets.load_diabetes(return_X_y=True)
    return GradientBoostingRegressor(n_estimators=60, random_state=0).fit(X, y), X[:4], "predict"


def _labels_of_text_and_names_with_spaces() -> Fitted:
    iris = datasets.load_iris(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return model.fit(iris.data, iris.target_names[iris.target]), iris.data.head(5), "predict"


def _ordered_categories() -> Fitted:
    numbers = np.random.default_rng(0)
    cuts, colors = ["Fair", "Good", "Very Good", "Premium", "Ideal"], list("JIHGFED")
    X = pd.DataFrame(
        {
            "carat": numbers.gamma(3, 0.3, 800),
            "cut": pd.Categorical(numbers.choice(cuts, 800), cuts, ordered=True),
            "color": pd.Categorical(numbers.choice(colors, 800), colors, ordered=True),
            "depth": numbers.integers(55, 65, 800),
        }
    )
    y = X["carat"] * (3 + X["cut"].cat.codes) + X["color"].cat.codes % 3
    return lightgbm.LGBMRegressor(n_estimators=40, n_jobs=1, verbose=-1).fit(X, y), X.head(4), "predict"


def _three_outputs() -> Fitted:
    body = datasets.load_linnerud(as_frame=True)
    model = RandomForestRegressor(40, random_state=3).fit(body.data, body.target)
    return model, body.data.head(5), "predict"


def _passengers() -> tuple[pd.DataFrame, Any]:
    passengers = pd.read_csv(PASSENGERS).drop(columns="Parch")
    passengers.loc[::9, ["Sex", "Fare"]] = None
    return passengers.drop(columns="Survived"), passengers["Survived"].map({0: "lost", 1: "saved"})


def _numbers_and_text_with_missing_values() -> Fitted:
    X, y = _passengers()
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = make_column_transformer(
        (SimpleImputer(strategy="median"), ["Age", "Fare", "Pclass", "SibSp"]), (text, ["Sex", "Embarked"])
    )
    model = make_pipeline(columns, RandomForestClassifier(50, random_state=1))
    return model.fit(X, y), X.head(14), "predict"


def _text_alone() -> Fitted:
    X, y = _passengers()
    X = pd.DataFrame({"class": X["Pclass"].map("class {}".format), "port": X["Embarked"].fillna("none")})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    return model.fit(X, y), X.head(4), "predict_proba"


def _two_hundred_columns() -> Fitted:
    numbers = np.random.default_rng(9)
    names = ["temp-{:03d} (°C)", "p.{:03d}", "flow_{:03d}", "Valve {:03d} %"]
    columns = [names[i % 4].format(i) for i in range(200)]
    X = pd.DataFrame(numbers.normal(50, 10, (300, 200)).round(3), columns=columns)
    return make_pipeline(StandardScaler(), Ridge()).fit(X, X.sum(axis=1)), X.head(3), "predict"


def _probabilities_of_32_bits() -> Fitted:
    cancer = datasets.load_breast_cancer(as_frame=True)
    model = xgboost.XGBClassifier(n_estimators=40, max_depth=3, n_jobs=1)
    return model.fit(cancer.data, cancer.target), cancer.data.head(5), "predict_proba"


NUMPY, ONNX = Accelerate.NUMPY, Accelerate.ONNX
MODELS: list[tuple[Callable[[], Fitted], set[Accelerate]]] = [
    (_boosted_trees_on_an_array, {NUMPY, ONNX}),
    (_labels_of_text_and_names_with_spaces, {NUMPY}),
    (_ordered_categories, {NUMPY, ONNX}),
    (_three_outputs, {NUMPY, ONNX}),
    (_numbers_and_text_with_missing_values, {NUMPY, ONNX}),
    (_text_alone, {NUMPY}),
    (_two_hundred_columns, {NUMPY}),
    (_probabilities_of_32_bits, {NUMPY, ONNX}),
]


@pytest.mark.parametrize(("fit", "ways"), MODELS, ids=[fit.__name__[1:] for fit, _ in MODELS])
def test_each_form_returns_what_the_model_returns(
    fit: Callable[[], Fitted], ways: set[Accelerate], tmp_path: Path
) -> None:
    model, sample, method = fit()
    found = {way: compile_model(model, sample, method, tmp_path, way) for way in (NUMPY, ONNX)}
    compiled = {way: each for way, each in found.items() if isinstance(each, Compiled)}
    assert compiled.keys() == ways, found
    for each in compiled.values():
        assert each.compare.compare(ROWS)["difference"] is None
