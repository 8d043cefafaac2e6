"""Samples of every kind of library: what `/score` takes as JSON, `batch/` takes as lines and as columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from tests.batch._models import area, mean, sizes, width
from tests.batch._project import make_project, python

pytestmark = pytest.mark.slow
SAME = """
import json
import pyarrow as pa
import pyarrow.parquet as pq
from batch.run import Options, run
import pyarrow.dataset

sample = json.load(open("tests/recorded.json"))
requests = sample["requests"]
with open("build-rows.jsonl", "w") as file:
    file.writelines(json.dumps(each) + "\\n" for each in requests)
pq.write_table(pa.Table.from_pylist(requests), "build-rows.parquet")
found = []
for name in ("jsonl", "parquet"):
    out = f"build-{name}"
    summary = run(Options(f"build-rows.{name}", out, "parquet", (), 1, 200_000, (0, 1)))
    assert (summary.scored, summary.rejected) == (len(requests), 0), summary
    found.append(pyarrow.dataset.dataset(f"{out}/answers").to_table().drop_columns("row").to_pylist())
assert found[0] == found[1], found
from batch.check import _same, check
assert all(map(_same, found[0], sample["answers"])), (found[0], sample["answers"])
print(check())
"""
PICTURE = Image.fromarray(np.arange(48, dtype="uint8").reshape(4, 4, 3))
TIMES = pd.DataFrame({"at": pd.to_datetime(["2024-01-01T00:00:00", "2024-02-01T01:02:03"])})
TIMES["day"] = [dt.date(2024, 1, 1), dt.date(2024, 2, 1)]
ROWS = pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [[1], [2, 3]]})


@pytest.mark.parametrize(
    ("model", "sample", "options"),
    [
        pytest.param(sizes, ROWS, {}, id="polars"),
        pytest.param(width, PICTURE, {}, id="image"),
        pytest.param(area, TIMES, {}, id="times"),
        pytest.param(mean, np.arange(24.0).reshape(2, 3, 4), {"profile": "plain"}, id="numpy-plain"),
    ],
)
def test_rows_of_every_kind_get_the_recorded_answers(
    model: Any, sample: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    root = make_project(tmp_path / "rows", model, sample, **options)
    assert "have the recorded answers" in python(root, SAME)
