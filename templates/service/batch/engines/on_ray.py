"""Scores on Ray: `python -m batch score IN OUT --on ray`, or `--on ray://head:10001`."""

from collections.abc import Sequence

import pyarrow as pa
import ray

from batch.answers import REJECTED
from batch.engine import ROOT, SHIPPED, score_table
from batch.inputs import BATCH_ROWS

WORKERS = (1, 64)  # actors, at least and at most; each has a CPU and loads the model once
CPUS = 1


class Scorer:
    """An actor: it has the model for as long as it lives."""

    def __init__(self, keep: Sequence[str]) -> None:
        self._keep = keep

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the rows of a batch with their answers."""
        return score_table(table, self._keep)


def run(source: str, out: str, address: str, keep: Sequence[str]) -> tuple[int, int]:
    """Score a file or folder of Parquet; return how many rows were scored and rejected."""
    others = [f"/{path.name}" for path in ROOT.iterdir() if path.name not in SHIPPED]
    ray.init(
        address=None if address == "ray" else address,
        runtime_env={"working_dir": str(ROOT), "excludes": others},
    )
    try:
        rows = ray.data.read_parquet(source).map_batches(
            Scorer,
            fn_constructor_args=(list(keep),),
            batch_format="pyarrow",
            batch_size=BATCH_ROWS,
            compute=ray.data.ActorPoolStrategy(min_size=WORKERS[0], max_size=WORKERS[1]),
            num_cpus=CPUS,
        )
        rows.write_parquet(out, mode="error")
        written = ray.data.read_parquet(out, columns=[REJECTED])
        scored = _nulls(written)
        return scored, written.count() - scored
    finally:
        ray.shutdown()


def _nulls(written: "ray.data.Dataset") -> int:
    counts = written.map_batches(
        lambda table: pa.table({"nulls": [table.column(REJECTED).null_count]}),
        batch_format="pyarrow",
    )
    return int(counts.sum("nulls"))
