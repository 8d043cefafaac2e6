"""Numbers that a float64 holds and the model does not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from scaffold.introspect import infer_signature
from scaffold.introspect._bounds import FLOAT32
from scaffold.introspect._refine import fields_of

X = np.array([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0], [0.4, 5.0]])
FRAME = pd.DataFrame({"a": X[:, 0], "b": [1, 2, 3, 4], "c": [None, 1.0, 2.0, 3.0]})
Y = [0, 1, 0, 1]


def bounds(model: Any, sample: Any) -> list[Any]:
    found = []
    for field in fields_of(infer_signature(model, sample).signature.input):
        schema: Any = field.schema
        while hasattr(schema, "of") or hasattr(schema, "items"):
            schema = getattr(schema, "of", None) or schema.items
        found.append(schema.maximum)
    return found


@pytest.mark.parametrize("model", [DecisionTreeClassifier(), RandomForestRegressor(2)])
def test_trees_are_given_no_more_than_a_float32_holds(model: Any) -> None:
    assert bounds(model.fit(X, Y), X) == [FLOAT32]
    assert bounds(model.fit(FRAME, Y), FRAME) == [FLOAT32, 2**63 - 1, FLOAT32]


def test_a_scaler_that_makes_infinity_of_the_largest_numbers_bounds_them() -> None:
    assert bounds(make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y), X) == [FLOAT32]


def test_a_sum_that_overflows_bounds_its_terms() -> None:
    assert bounds(LinearRegression().fit(X, Y), X) == [FLOAT32]


def test_a_model_that_takes_any_number_is_given_any() -> None:
    clipped = make_pipeline(FunctionTransformer(np.clip, kw_args={"min": -9, "max": 9}), LinearRegression())
    assert bounds(clipped.fit(X, Y), X) == [None]


def test_where_size_is_not_why_a_model_fails_nothing_is_bounded() -> None:
    picky = make_pipeline(FunctionTransformer(np.sqrt), LinearRegression())
    assert bounds(picky.fit(X, Y), X) == [None]
