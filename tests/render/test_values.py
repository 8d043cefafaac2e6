"""The expressions of `convert.py` for one value."""

from __future__ import annotations

import pytest

from scaffold.render import _code
from scaffold.render._code import Imports
from scaffold.render._source._values import Values
from scaffold.spec import (
    Either,
    List,
    Mapping,
    NumpyScalar,
    PythonScalar,
    PythonType,
    Scalar,
    ScalarType,
    Schema,
    Tuple,
)

TEXT = Scalar(type=ScalarType.STRING, native=PythonScalar(PythonType.STR))
FLOAT32 = Scalar(type=ScalarType.NUMBER, native=NumpyScalar("float32"))


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (List(items=FLOAT32), "[np.float32(item) for item in value] if isinstance(value, list) else value"),
        (
            Mapping(values=FLOAT32),
            "{key: np.float32(item) for key, item in value.items()} if isinstance(value, dict) else value",
        ),
        (Tuple(items=(FLOAT32,)), "(np.float32(value[0]),) if isinstance(value, tuple) else value"),
    ],
    ids=["list", "mapping", "tuple"],
)
def test_a_value_of_several_types_is_converted_by_the_type_it_has(kind: Schema, written: str) -> None:
    made = Values(Imports()).of(Either(of=(TEXT, kind)), "value")
    assert _code.flat(made) == written
