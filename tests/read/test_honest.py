"""Objects that people really save pass the gate: for each library those with the most unusual pickles."""

from __future__ import annotations

import datetime
import functools
import pickle
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from scaffold.read import read_artifact, read_sample

ROWS = np.random.default_rng(0).random((30, 3))
LABELS = (ROWS[:, 0] > 0.5).astype(int)


def passes(value: Any, tmp_path: Path, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    path = tmp_path / "value.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return read_sample(path)


COLUMNS: dict[str, Any] = {
    "int": [1, 2],
    "missing": [1.0, None],
    "text": ["a", None],
    "bool": [True, False],
    "category": pd.Categorical(["x", "y"], ordered=True),
    "time": pd.to_datetime(["2020", "2021"]),
    "utc": pd.to_datetime(["2020", "2021"], utc=True),
    "zone": pd.to_datetime(["2020", "2021"]).tz_localize("Europe/Oslo"),
    "delta": pd.to_timedelta([1, 2]),
    "period": pd.period_range("2020", periods=2, freq="M"),
    "interval": pd.interval_range(0, 2),
    "Int64": pd.array([1, None], dtype="Int64"),
    "Float32": pd.array([1.0, None], dtype="Float32"),
    "boolean": pd.array([True, None], dtype="boolean"),
    "string": pd.array(["a", None], dtype="string"),
    "arrow": pd.array([1, None], dtype="int64[pyarrow]"),
    "sparse": pd.arrays.SparseArray([0, 1]),
    "object": [{"a": 1}, Decimal(1)],
    "date": [datetime.date(2020, 1, 1)] * 2,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_frame_of_every_dtype_and_its_index_pass(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]})
    pd.testing.assert_frame_equal(passes(frame, tmp_path), frame)
    index = frame.set_index(name).index
    pd.testing.assert_index_equal(passes(index, tmp_path), index)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_followed(tmp_path: Path, protocol: int) -> None:
    frame = pd.DataFrame({key: COLUMNS[key] for key in ("int", "text", "zone", "category")})
    pd.testing.assert_frame_equal(passes(frame, tmp_path, protocol), frame)


@functools.cache
def values() -> dict[str, Any]:
    import joblib
    import polars as pl
    import pyarrow as pa
    import scipy.interpolate
    import scipy.sparse
    import scipy.spatial
    import scipy.stats
    import torch
    from sklearn.ensemble import StackingClassifier
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer

    regression = LogisticRegression().fit(ROWS, LABELS)
    grid = {"selectkbest__k": [1, 2]}
    search = GridSearchCV(
        make_pipeline(SelectKBest(f_classif), regression), grid, scoring=make_scorer(f1_score)
    )
    tensor = torch.ones(2)
    tensor.unit = "euro"  # type: ignore[attr-defined]
    layer = torch.nn.Linear(2, 2)
    layer.bias.tags = {"a": 1}  # type: ignore[attr-defined]
    return {
        "search": search.fit(ROWS, LABELS),
        "stack": StackingClassifier([("a", regression), ("b", "drop")], cv="prefit").fit(ROWS, LABELS),
        "threshold": FixedThresholdClassifier(regression, response_method="predict_proba").fit(ROWS, LABELS),
        "tensors with attributes": [tensor, layer],
        "tree": KNeighborsClassifier(algorithm="kd_tree").fit(ROWS, LABELS),
        "cache": joblib.Memory(None),
        "spline": SplineTransformer().fit(ROWS),
        "functions": [FunctionTransformer(np.log1p, np.expm1), FunctionTransformer(regression.predict_proba)],
        "distribution": [scipy.stats.norm(), scipy.stats.randint(1, 3), scipy.stats.gaussian_kde(ROWS.T)],
        "interpolation": [
            scipy.interpolate.interp1d([1, 2], [3, 4]),
            scipy.interpolate.CubicSpline([1, 2, 3], [3, 4, 6]),
        ],
        "neighbours": scipy.spatial.cKDTree(ROWS),
        "sparse": [scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.coo_array(np.eye(2))],
        "numpy": [
            np.ma.array([1, 2], mask=[False, True]),
            np.float32(1),
            np.datetime64("2020"),
            np.poly1d([1]),
            np.random.default_rng(0),
            np.random.RandomState(0),
            np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        ],
        "times": [
            pd.Timestamp("2020", tz="Europe/Oslo"),
            pd.NaT,
            pd.NA,
            pd.offsets.MonthEnd(),
            pd.Period("2020"),
            datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Oslo")),
            datetime.timezone.utc,
        ],
        "builtins": [
            slice(1, 2),
            range(3),
            ...,
            type(None),
            int,
            list[int],
            int | None,
            ValueError("x"),
            {1},
            1j,
        ],
        "polars": [pl.DataFrame({"a": [1]}), pl.Series("a", ["x"], dtype=pl.Categorical)],
        "arrow": [pa.table({"a": [1], "b": ["x"]}), pa.array([1])],
        "torch": [
            torch.nn.TransformerEncoderLayer(4, 2),
            torch.float32,
            torch.device("cpu"),
            torch.Size([1]),
            torch.eye(2).to_sparse(),
            torch.nn.Linear(2, 2).bfloat16(),
        ],
    }


@pytest.mark.parametrize("name", sorted(values()))
def test_a_strange_pickle_of_a_model_library_passes(tmp_path: Path, name: str) -> None:
    assert passes(values()[name], tmp_path) is not None


SOURCE = """
import dataclasses, enum, logging, typing
from pydantic import BaseModel, Field

class Kind(str, enum.Enum):
    A = "a"

class Row(typing.TypedDict):
    a: int

class Record(BaseModel):
    a: int = Field(ge=0)
    b: str | None = None

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    kind: Kind = Kind.A
    rooms: list[float] = dataclasses.field(default_factory=list)

class Model:
    def __init__(self):
        self.log = logging.getLogger("model")

    @property
    def size(self) -> int:
        return 1

    def predict(self, row: Row, flat: Flat, record: Record) -> int:
        return self.size

model = [Model(), Flat(), Kind.A, Record(a=1), Row(a=1)]
"""


def test_classes_of_a_script_of_every_kind_pass(tmp_path: Path) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(SOURCE, "train.py", "exec"), space)
    path = tmp_path / "model.pkl"
    path.write_bytes(cloudpickle.dumps(space["model"]))
    assert read_artifact(path).globals
