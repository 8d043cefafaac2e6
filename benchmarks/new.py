"""How long `scaffold` takes: its help, a project without its proof, the proof.

Usage: python -m benchmarks.new [--runs 5]

Each figure is the median of interleaved runs, and stands beside a floor measured in the same runs, for
machines differ: importing typer and rich for the help, importing what the model needs for the rest.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TITANIC = Path(__file__).parents[1] / "examples" / "titanic"
SCAFFOLD = [sys.executable, "-m", "scaffold"]
FLOOR = "import pandas, sklearn.pipeline, sklearn.compose, sklearn.linear_model, sklearn.impute"


def seconds(command: list[str], folder: Path) -> float:
    """The wall time of a command that has to work."""
    # Bytecode is kept, as it is where a person works.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def commands() -> dict[str, Callable[[int], list[str]]]:
    """What is run, by the name that the table has for it; each run writes a folder of its own."""
    model = [str(TITANIC / "model.pkl")]
    samples = [f"--{kind}={TITANIC / f'sample_{kind}.pkl'}" for kind in ("input", "output")]
    return {
        'python -c "import typer, rich"': lambda _: [sys.executable, "-c", "import typer, rich"],
        "scaffold --help": lambda _: [*SCAFFOLD, "--help"],
        "python imports the model's libraries": lambda _: [sys.executable, "-c", FLOOR],
        "scaffold new --no-verify": lambda n: [
            *SCAFFOLD,
            "new",
            *model,
            *samples,
            f"bare-{n}",
            "--no-verify",
        ],
        "scaffold new": lambda n: [*SCAFFOLD, "new", *model, *samples, f"proven-{n}"],
    }


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    subprocess.run([sys.executable, str(TITANIC / "train.py")], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measured: dict[str, list[float]] = {what: [] for what in commands()}
        for run in range(runs + 1):
            for what, command in commands().items():
                took = seconds(command(run), folder)
                if run:  # the first one fills the caches
                    measured[what].append(took)
    median = {what: statistics.median(times) for what, times in measured.items()}
    print("| what | median s | least | most |\n| --- | ---: | ---: | ---: |")
    for what, times in measured.items():
        print(f"| `{what}` | {median[what]:.2f} | {min(times):.2f} | {max(times):.2f} |")
    cli_floor, help_, floor, bare, proven = median.values()
    print(f"\n`--help` takes {help_ / cli_floor:.2f} times the import of typer and rich;")
    print(f"`new --no-verify` {bare / floor:.2f} times the import of the libraries;")
    print(f"the proof {proven - bare:.1f} s more.")


if __name__ == "__main__":
    main()
