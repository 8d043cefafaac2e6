"""How much longer `scaffold new` takes with `--accelerate auto`. Ratios of one run.

Usage: python -m benchmarks.accelerate [--turns 5]

For the pipeline and the forest of `serving/train.py` it makes the project with and without the option, in
turns; both prove it. CPU seconds are those of all processes that the command starts and waits for.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSENGERS = ROOT / "examples" / "titanic" / "titanic.csv"
MODELS = {"pipeline": "A", "forest": "B"}
WAYS = ("off", "auto")


def run(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the elapsed and the CPU seconds of a command that has to work."""
    # Bytecode is kept, as it is where a person works.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, used = time.perf_counter(), cpu_s()
    subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True)
    return time.perf_counter() - began, cpu_s() - used


def cpu_s() -> float:
    """Return the CPU seconds of the child processes that ended, and of theirs."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def new(letter: str, way: str, folder: Path, number: int) -> tuple[float, float]:
    """Make a project; return its elapsed and its CPU seconds."""
    files = [f"models/{letter}.pkl", f"{letter}-{way}-{number}"]
    samples = [f"--{kind}=models/{letter}-{kind}.pkl" for kind in ("input", "output")]
    command = [sys.executable, "-m", "scaffold", "new", *files, *samples, f"--accelerate={way}"]
    return run(command, folder)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    print("| model | seconds | off: median | least to most | auto: median | least to most | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = [sys.executable, str(ROOT / "benchmarks" / "serving" / "train.py"), str(PASSENGERS), "models"]
        subprocess.run(train, cwd=folder, check=True, capture_output=True)
        for model, letter in MODELS.items():
            taken: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for number in range(turns + 1):
                for way in WAYS:
                    took = new(letter, way, folder, number)
                    if number:  # the first turn fills the caches
                        taken[way].append(took)
            for kind, figure in enumerate(("elapsed", "CPU")):
                figures = [[each[kind] for each in taken[way]] for way in WAYS]
                cells = [f"{statistics.median(s):.1f} | {min(s):.1f} to {max(s):.1f}" for s in figures]
                off, auto = map(statistics.median, figures)
                print(f"| {model} | {figure} | {' | '.join(cells)} | {auto / off:.2f} |", flush=True)


if __name__ == "__main__":
    main()
