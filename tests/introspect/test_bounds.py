"""Numbers that fit a float64 but that the model cannot take."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pydantic import ValidationError
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from scaffold.introspect import infer_signature
from scaffold.introspect.fields._bounds import FLOAT32
from scaffold.spec import Record, fields_of

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
def test_the_bounds_of_trees_are_those_of_float32(model: Any) -> None:
    assert bounds(model.fit(X, Y), X) == [FLOAT32]
    assert bounds(model.fit(FRAME, Y), FRAME) == [FLOAT32, 2**63 - 1, FLOAT32]


def test_a_scaler_that_makes_infinity_of_the_largest_numbers_bounds_them() -> None:
    assert bounds(make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y), X) == [FLOAT32]


def test_a_sum_that_overflows_bounds_its_terms() -> None:
    assert bounds(LinearRegression().fit(X, Y), X) == [FLOAT32]


class Embedding:
    """Uses numbers as indexes of tables, as recommenders do."""

    def __init__(self) -> None:
        self.users, self.items = np.arange(40.0), np.arange(7.0)

    def predict(self, rows: pd.DataFrame) -> Any:
        return (
            self.users[rows["user"].to_numpy()] + self.items[rows["item"].to_numpy()] + rows["n"].to_numpy()
        )

    def recommend(self, user: Any, item: Any) -> Any:
        return self.users[user] + self.items[item]


def test_integers_that_index_a_table_are_bounded_by_its_size(serve: Any) -> None:
    frame = pd.DataFrame({"user": [3, 30, 2], "item": [1, 0, 2], "n": [1, 2, 3]})
    by_name = {"user": np.array([3, 30, 2]), "item": np.array([1, 0, 2])}
    for service, more in (
        (serve(Embedding(), frame), {"n": 10**9}),
        (serve(Embedding(), by_name, method="recommend"), {}),
    ):
        service.score({"user": 39, "item": 6, **more})
        for wrong in ({"user": 40, "item": 6}, {"user": 0, "item": 7}, {"user": -1, "item": 0}):
            with pytest.raises(ValidationError, match=r"(less|greater) than or equal"):
                service.check({**wrong, **more})
        assert "The model knows none beyond 39." in service.sources["app/schemas.py"]


def test_a_model_that_takes_any_number_has_no_bounds() -> None:
    clipped = make_pipeline(FunctionTransformer(np.clip, kw_args={"min": -9, "max": 9}), LinearRegression())
    assert bounds(clipped.fit(X, Y), X) == [None]


def test_failures_that_do_not_depend_on_size_set_no_bounds() -> None:
    picky = make_pipeline(FunctionTransformer(np.sqrt), LinearRegression())
    assert bounds(picky.fit(X, Y), X) == [None]


def test_lists_and_structs_of_polars_have_the_bounds_of_their_dtype() -> None:
    frame = pl.DataFrame(
        {"visits": [[1, 2], [3, 4]], "spent": [{"by": 1.5, "of": 1}, {"by": 2.5, "of": 2}]},
        schema_overrides={
            "visits": pl.List(pl.UInt8),
            "spent": pl.Struct({"by": pl.Float32, "of": pl.Int16}),
        },
    )
    assert bounds(lambda rows: [len(row) for row in rows["visits"]], frame[["visits"]]) == [255]
    spent = infer_signature(lambda rows: [1.5] * len(rows), frame[["spent"]]).signature.input
    [column] = fields_of(spent)
    assert isinstance(column.schema, Record)
    assert [getattr(part.schema, "maximum", None) for part in column.schema.fields] == [FLOAT32, 2**15 - 1]
