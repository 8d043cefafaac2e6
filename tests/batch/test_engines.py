"""Ray and Spark on this machine give the answers that the service gives."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.dataset
import pytest

import scaffold
from tests.batch._models import weigh
from tests.batch._project import answers, make_project, rejected

ROWS = 100_000
SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})


@pytest.mark.libraries
@pytest.mark.parametrize("engine", ["ray", "spark"])
def test_an_engine_gives_the_answers_of_this_machine(engine: str, tmp_path: Path) -> None:
    if engine == "spark" and not shutil.which("java"):
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_JAVA") else pytest.skip
        end("Spark needs Java")
    root = make_project(tmp_path / "rows", weigh, SAMPLE, answers={"batch": f"local,{engine}"})
    names = ["x" if number % 3 else None for number in range(ROWS)]
    ratios = [number / 7 for number in range(ROWS)]
    frame = pd.DataFrame({"id": range(ROWS), "number": range(ROWS), "name": names, "ratio": ratios})
    frame.loc[frame["id"] % 999 == 0, "ratio"] = float("inf")
    source = tmp_path / "rows.parquet"
    frame.to_parquet(source, row_group_size=10_000, index=False)
    for on in ("local", engine):
        out = str(tmp_path / on)
        assert scaffold.score(root, str(source), out, on=on, options=["--keep", "id"]) == 3
    expected = {row["id"]: row["prediction"] for row in answers(tmp_path / "local")}
    reasons = {row["row"]: f"{row['field']}: {row['reason']}" for row in rejected(tmp_path / "local")}
    found = pyarrow.dataset.dataset(tmp_path / engine, format="parquet").to_table().to_pylist()
    assert {row["id"]: row["prediction"] for row in found if row["rejected"] is None} == expected
    assert {row["id"]: row["rejected"] for row in found if row["rejected"] is not None} == reasons
    assert len(found) == ROWS
