"""Scores on Dask: `python -m batch score IN OUT --on dask`, or `--on dask://scheduler:8786`."""

import contextlib
import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from distributed import Client, get_worker

from batch.answers import REJECTED
from batch.cpu import available_cpus
from batch.engine import archive, output_schema


def run(source: str, out: str, address: str, keep: Sequence[str]) -> tuple[int, int]:
    """Score a file or folder of Parquet; return how many rows were scored and rejected."""
    with _client(address) as client, tempfile.TemporaryDirectory() as folder:
        shipped = archive(Path(folder) / "service.zip")
        digest = hashlib.sha256(shipped.read_bytes()).hexdigest()
        name = f"service-{digest[:16]}"
        client.upload_file(str(shipped.rename(Path(folder) / f"{name}.zip")), load=False)
        rows = dd.read_parquet(source, dtype_backend="pyarrow", index=False)
        columns = pa.Schema.from_pandas(rows._meta, preserve_index=False)
        schema = output_schema(columns, keep)
        empty = schema.empty_table().to_pandas(types_mapper=pd.ArrowDtype)
        scored = rows.map_partitions(_scorer(name, list(keep)), meta=empty)
        scored.to_parquet(out, schema=schema, write_index=False)
        written = dd.read_parquet(out, columns=[REJECTED], dtype_backend="pyarrow", index=False)
        total, rejected = dask.compute(written[REJECTED].size, written[REJECTED].count())
        return int(total - rejected), int(rejected)


def _client(address: str) -> Client:
    if address == "dask":
        return Client(n_workers=max(1, int(available_cpus())), threads_per_worker=1)
    return Client(address.replace("dask://", "tcp://", 1))


def _scorer(name: str, keep: list[str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what a worker does with the rows of a partition. `batch` is in the archive there."""

    def score(frame: pd.DataFrame) -> pd.DataFrame:
        folder = os.path.join(get_worker().local_directory, name)
        if not os.path.isdir(folder):
            with (
                tempfile.TemporaryDirectory(dir=get_worker().local_directory) as beside,
                zipfile.ZipFile(f"{folder}.zip") as shipped,
            ):
                shipped.extractall(f"{beside}/{name}")
                with contextlib.suppress(OSError):  # another thread was faster
                    os.rename(f"{beside}/{name}", folder)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        from batch import engine

        if not engine.__file__.startswith(folder):
            raise RuntimeError(
                "the workers have the code or model of an earlier run; start them anew: "
                "Client(...).restart()"
            )
        table = pa.Table.from_pandas(frame, preserve_index=False)
        return engine.score_table(table, keep).to_pandas(types_mapper=pd.ArrowDtype)

    return score
