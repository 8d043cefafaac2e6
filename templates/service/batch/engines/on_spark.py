"""Scores on Spark: `python -m batch score IN OUT --on spark`, or `--on spark://master:7077`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from batch.answers import REJECTED
from batch.engine import archive, output_schema

ARCHIVE = "service"
SUBMITTED = "PYSPARK_GATEWAY_PORT"  # set by spark-submit, which knows the master


def run(source: str, out: str, address: str, keep: Sequence[str]) -> tuple[int, int]:
    """Score a file or folder of Parquet; return how many rows were scored and rejected."""
    builder = SparkSession.builder.appName(f"score {Path(out).name}")
    if address != "spark":
        builder = builder.master(address)
    elif SUBMITTED not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master("local[*]")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 65_536).getOrCreate()
    try:
        with tempfile.TemporaryDirectory() as folder:
            shipped = archive(Path(folder) / f"{ARCHIVE}.zip")
            spark.sparkContext.addArchive(f"{shipped}#{ARCHIVE}")
            rows = spark.read.parquet(source)
            columns = output_schema(to_arrow_schema(rows.schema), keep)
            # The functions below go to the executors as they are: `batch` is in the archive there.
            pyspark.cloudpickle.register_pickle_by_value(sys.modules[__name__])
            scored = rows.mapInArrow(_scorer(list(keep)), from_arrow_schema(columns))
            scored.write.parquet(out)
        written = spark.read.parquet(out)
        rejected = written.where(written[REJECTED].isNotNull()).count()
        return written.count() - rejected, rejected
    finally:
        spark.stop()


def _scorer(keep: list[str]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return what an executor does with the batches of its rows."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import SparkFiles

        folder = SparkFiles.get(ARCHIVE)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        from batch.engine import score_table

        for batch in batches:
            yield from score_table(
                pa.table(batch.columns, names=batch.schema.names), keep
            ).to_batches()

    return score
