"""Ray, Spark and Dask on this machine give the answers that the service gives."""

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
ENGINES = ("ray", "spark", "dask")
SAMPLE = pd.DataFrame({"number": [1, 2, 3], "name": ["a", None, "c"], "ratio": [0.5, None, 1.5]})
KEEP = ["--keep", "id,prediction"]

pytestmark = pytest.mark.libraries


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project, the rows, and the answers of this machine."""
    work = tmp_path_factory.mktemp("engines")
    make_project(work / "project", weigh, SAMPLE, answers={"batch": ",".join(["local", *ENGINES])})
    names = ["x" if number % 3 else None for number in range(ROWS)]
    ratios = [number / 7 for number in range(ROWS)]
    frame = pd.DataFrame({"id": range(ROWS), "number": range(ROWS), "name": names, "ratio": ratios})
    frame["prediction"] = frame["id"] % 10  # as a column of the output is named
    frame.loc[frame["id"] % 999 == 0, "ratio"] = float("inf")
    frame.to_parquet(work / "rows.parquet", row_group_size=10_000, index=False)
    assert scaffold.score(work / "project", f"{work}/rows.parquet", f"{work}/local", options=KEEP) == 3
    return work


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_answers_of_this_machine(engine: str, work: Path) -> None:
    if engine == "spark" and not shutil.which("java"):
        end = pytest.fail if os.environ.get("SCAFFOLD_REQUIRE_JAVA") else pytest.skip
        end("Spark needs Java")
    source, out = f"{work}/rows.parquet", f"{work}/{engine}"
    assert scaffold.score(work / "project", source, out, on=engine, options=KEEP) == 3
    expected = {row["id"]: row["prediction"] for row in answers(work / "local")}
    reasons = {row["row"]: f"{row['field']}: {row['reason']}" for row in rejected(work / "local")}
    found = pyarrow.dataset.dataset(out, format="parquet").to_table().to_pylist()
    assert {row["id"]: row["prediction"] for row in found if row["rejected"] is None} == expected
    assert {row["id"]: row["rejected"] for row in found if row["rejected"] is not None} == reasons
    assert all(row["input_prediction"] == row["id"] % 10 for row in found)
    assert len(found) == ROWS
