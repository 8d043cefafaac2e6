"""A table of 2,000 columns: how long `scaffold new --no-verify` takes, and a request to what it writes.

Usage: python -m benchmarks.wide [--columns 2000] [--runs 5]

Beside each figure stands a floor of the same run: reading the sample, and parsing the body as plain JSON.
"""

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

IN_THE_SERVICE = """
import json, timeit
from app import convert, schemas
body = open("request.json", "rb").read()
record = schemas.ModelInput.model_validate_json(body)
validate, make = "schemas.ModelInput.model_validate_json(body)", "convert.to_model([record])"
for what in (validate, make, "json.loads(body)"):
    print(min(timeit.repeat(what, globals=globals(), number=5, repeat=20)) / 5)
"""


def timed(command: list[str], folder: Path, runs: int) -> float:
    """The median wall time of a command, in seconds; `{run}` in it is the run's number."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def once(run: int) -> Callable[[], object]:
        words = [word.format(run=run) for word in command]
        return lambda: subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)

    return statistics.median(timeit.timeit(once(run), number=1) for run in range(runs))


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, options.columns)))
    X.columns = [f"sensor {number:04d} (°C)" for number in range(options.columns)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.pkl").write_bytes(pickle.dumps(Ridge().fit(X, X.sum(axis=1))))
        X.to_pickle(folder / "sample.pkl")
        read = [sys.executable, "-c", "import pandas, sklearn.linear_model; pandas.read_pickle('sample.pkl')"]
        new = [sys.executable, "-m", "scaffold", "new", "model.pkl", "--input", "sample.pkl"]
        floor = timed(read, folder, options.runs)
        generated = timed([*new, "service-{run}", "--no-verify"], folder, options.runs)
        service = folder / "service-0"
        recorded = json.loads((service / "tests/recorded.json").read_text())
        (service / "request.json").write_text(json.dumps(recorded["requests"][0]))
        done = subprocess.run(
            [sys.executable, "-c", IN_THE_SERVICE], cwd=service, check=True, capture_output=True, text=True
        )
        validated, converted, parsed = map(float, done.stdout.split())
    print(f"| a table of {options.columns:,} columns | time | floor | ratio |\n| --- | ---: | ---: | ---: |")
    print(f"| `scaffold new --no-verify` | {generated:.2f} s | {floor:.2f} s | {generated / floor:.1f} |")
    for what, took in (("validate a row", validated), ("make the frame of a row", converted)):
        print(f"| {what} | {took * 1e3:.2f} ms | {parsed * 1e3:.2f} ms | {took / parsed:.1f} |")


if __name__ == "__main__":
    main()
