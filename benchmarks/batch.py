"""Batch scoring of the Titanic beside `model.predict` on the whole frame: `python -m benchmarks.batch`.

CPU time is compared, because other work on the machine changes wall time and not the ratio. What a run costs
before its first row, the imports of the libraries, is shown apart: it is the run over few rows.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.dataset

import scaffold

TITANIC = Path(__file__).parents[1] / "examples" / "titanic"
FEW = 10_000
ROW_GROUP = 100_000
KILLS = 10
PREDICT = """
import pickle, sys, time
import pandas as pd
model = pickle.load(open(sys.argv[1], "rb"))
frame = pd.read_parquet(sys.argv[2])
started = time.process_time()
model.predict(frame)
print(time.process_time() - started)
"""
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def main() -> None:
    """Make the data and the project, and print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        work = Path(folder)
        model = _make(work, rows)
        environment = {**os.environ, **ONE_THREAD}
        command = [sys.executable, "-c", PREDICT, str(model), str(work / "many.parquet")]
        predict_s = float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
        start_s, _ = _run(work, "few")
        run_s, memory = _run(work, "many")
        own_s = run_s - start_s
        speed = f"{predict_s:.2f} s of CPU, {rows / predict_s:,.0f} a second"
        print(f"model.predict on a frame of {rows:,} rows: {speed}")
        print(f"batch, read and written too: {own_s:.2f} s of CPU, {rows / own_s:,.0f} a second and core")
        print(f"  {predict_s / own_s:.2f} of model.predict; {start_s:.2f} s more before the first row")
        quarter = len(memory) // 4 or 1
        highest = [max(memory[place : place + quarter]) for place in range(0, len(memory), quarter)][:4]
        print(
            f"memory, the highest of each quarter of the run: {', '.join(f'{each} MiB' for each in highest)}"
        )
        print(f"killed {_kill(work)} times: {_compare(work)}")


def _make(work: Path, rows: int) -> Path:
    import runpy

    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    source = runpy.run_path(str(TITANIC / "train.py"))
    passengers, _ = source["load_passengers"]()
    model = pickle.loads((TITANIC / "service" / "model" / "model.pkl").read_bytes())
    (work / "model.pkl").write_bytes(pickle.dumps(model))
    sample = passengers.head(100)
    scaffold.new(model, sample, target=work / "titanic", answers={"batch": "local"}, verify=False)
    many = passengers.sample(rows, replace=True, random_state=1, ignore_index=True)
    many["Fare"] *= 1 + many.index.to_numpy() % 97 / 100
    many.to_parquet(work / "many.parquet", row_group_size=ROW_GROUP, index=False)
    many.head(FEW).to_parquet(work / "few.parquet", index=False)
    return work / "model.pkl"


def _start(work: Path, name: str, out: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "batch", "score", str(work / f"{name}.parquet"), str(work / out)]
    options = ["--workers", str(workers), "--part-rows", str(ROW_GROUP)]
    return subprocess.Popen([*command, *options], cwd=work / "titanic", stdout=subprocess.DEVNULL)


def _run(work: Path, name: str) -> tuple[float, list[int]]:
    """Score once with one process; return its CPU seconds, and its memory in MiB over time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process, memory = _start(work, name, f"{name}-out", workers=1), list[int]()
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        memory += [int(size) // 1024 for size in sizes]
        time.sleep(0.1)
    assert process.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory


def _kill(work: Path) -> int:
    """Kill a run after some parts, start it again, and so on; return how often it was killed."""
    parts = work / "killed-out" / "answers"
    generator = random.Random(1)
    for kills in range(KILLS + 1):
        process = _start(work, "many", "killed-out", workers=2)
        goal = len(list(parts.glob("part-*"))) + generator.randrange(1, 5)
        while process.poll() is None and (kills == KILLS or len(list(parts.glob("part-*"))) < goal):
            time.sleep(0.01)
        if process.poll() is not None:
            return kills
        process.send_signal(signal.SIGKILL)
        process.wait()
    return KILLS


def _compare(work: Path) -> str:
    tables = [
        pyarrow.dataset.dataset(work / out / "answers", format="parquet").to_table()
        for out in ("many-out", "killed-out")
    ]
    calm, killed = (table.sort_by("row").to_pandas() for table in tables)
    pd.testing.assert_frame_equal(calm, killed)
    assert killed["row"].is_unique
    return f"the {len(killed):,} rows of an undisturbed run"


if __name__ == "__main__":
    main()
