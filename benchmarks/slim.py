"""What the answer `slim` saves: size of the environment, time to the first answer, memory. Ratios of one run.

Usage: python -m benchmarks.slim [--runs 9] [--home FOLDER]

For the Titanic and for Iris it makes a service with the libraries of its model (full), one without (slim),
and an environment for `serving/peers/floor_fastapi.py`, which a person writes by hand, in the same versions.
They are started in turns. A start ends with the first prediction. Memory is that after 200 predictions.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVING = ROOT / "benchmarks" / "serving"
PEERS = SERVING / "peers"
PASSENGERS = ROOT / "examples" / "titanic" / "titanic.csv"
MODELS = {"titanic": ("A", "/passenger"), "iris": ("C", "/flower")}
"""The model of `serving/train.py`, and the route of the app by hand."""
BY_HAND = ("fastapi", "uvicorn[standard]", "scikit-learn", "pandas")
PREDICTIONS = 200
MOST_S = 180.0
LIMITS = {"start": 0.5, "memory": 0.5}


@dataclass(frozen=True)
class Contender:
    """One way to serve a model."""

    name: str
    python: Path
    folder: Path
    command: tuple[str, ...]
    route: str
    variables: tuple[tuple[str, str], ...] = ()


def main() -> None:
    """Measure, and print a table for each model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--home", type=Path, help="where projects and environments are kept")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        place = (options.home or Path(folder)).absolute()
        if not (place / "models").exists():
            train = [SERVING / "train.py", PASSENGERS, place / "models"]
            subprocess.run([sys.executable, *map(str, train)], check=True, capture_output=True)
        for name, (letter, route) in MODELS.items():
            files = [place / "models" / f"{letter}{kind}.pkl" for kind in ("", "-input", "-output")]
            rivals = list(contenders(files, route, place / name))
            failed |= measure(name, rivals, place / name, options.runs)
    sys.exit(1 if failed else 0)


def contenders(files: Sequence[Path], route: str, home: Path) -> Iterator[Contender]:
    """Yield what is compared; make what is not there yet.

    Args:
        files: The model, its sample and its predictions.
        route: That of the app by hand.
        home: Where projects and environments are kept.
    """
    for name, answer in (("full", "slim=false"), ("slim", "slim=true")):
        root = home / name
        if not root.exists():
            options = ["--input", str(files[1]), "--output", str(files[2]), "--answer", answer]
            command = [sys.executable, "-m", "scaffold", "new", str(files[0]), str(root), *options]
            subprocess.run([*command, "--accelerate", "numpy"], check=True, capture_output=True)
        python = environment(home / f"{name}-env", ["--require-hashes", "-r", str(root / "requirements.txt")])
        yield Contender(name, python, root, ("-m", "app"), "/score")
    pins = home / "pins.txt"
    text = (home / "full" / "requirements.txt").read_text()
    pins.write_text(
        "".join(f"{line.split()[0]}\n" for line in text.splitlines() if "==" in line.split(" ")[0])
    )
    python = environment(home / "hand-env", ["-c", str(pins), *BY_HAND])
    by_hand = ("-m", "uvicorn", "floor_fastapi:app", "--log-level", "warning", "--port")
    yield Contender("by hand", python, PEERS, by_hand, route, (("MODEL", str(files[0])),))


def environment(folder: Path, wanted: Sequence[str]) -> Path:
    """Make an environment with compiled bytecode, as the image has it; return its Python."""
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        install = ["uv", "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install, *wanted], check=True)
        (folder / "made").touch()
    return python


def measure(model: str, rivals: list[Contender], home: Path, runs: int) -> bool:
    """Print the table of a model; return whether a limit is missed."""
    recorded = json.loads((home / "slim" / "tests" / "recorded.json").read_text())
    body = json.dumps(recorded["requests"][0])
    starts: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    memory: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for run in range(runs + 1):
        for rival in rivals if run % 2 else reversed(rivals):
            start_s, resident_mib = start(rival, body)
            if run:  # the first one reads the files from the disk
                starts[rival.name].append(start_s)
                memory[rival.name].append(resident_mib)
    print(f"\n{model}, medians of {runs} turns; load {os.getloadavg()[0]:.1f} at the end\n")
    print(
        "| | environment, MB | without bytecode | start, s | memory, MiB |\n| --- | --- | --- | --- | --- |"
    )
    for rival in rivals:
        whole, lean = size_mb(rival.python.parents[1])
        start_s, resident = statistics.median(starts[rival.name]), statistics.median(memory[rival.name])
        print(f"| {rival.name} | {whole:.0f} | {lean:.0f} | {start_s:.2f} | {resident:.0f} |")
    missed = False
    for what, values in (("start", starts), ("memory", memory)):
        pairs = zip(values["slim"], values["by hand"], strict=True)
        ratio = statistics.median(mine / other for mine, other in pairs)
        word = "PASS" if ratio <= LIMITS[what] else "FAIL"
        missed |= word == "FAIL"
        print(f"{word} {what}: slim takes {ratio:.2f} of the app by hand (at most {LIMITS[what]})")
    return missed


def start(rival: Contender, body: str) -> tuple[float, float]:
    """Start a contender and ask it; return the seconds to its first prediction, and its memory in MiB."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"BIND_HOST": "127.0.0.1", "PORT": port, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*rival.command, *([port] if rival.command[-1] == "--port" else [])]
    began = time.perf_counter()
    process = subprocess.Popen(
        [rival.python, *command],
        cwd=rival.folder,
        env={**variables, **dict(rival.variables)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not is_answered(port, rival.route, body):
            if process.poll() is not None or time.perf_counter() - began > MOST_S:
                sys.exit(f"{rival.name} does not start: {rival.folder}")
            time.sleep(0.005)
        start_s = time.perf_counter() - began
        for _ in range(PREDICTIONS):
            is_answered(port, rival.route, body)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident_kib = int(status.partition("VmRSS:")[2].split()[0])
        return start_s, resident_kib / 1024
    finally:
        process.terminate()
        process.wait(MOST_S)


def is_answered(port: str, route: str, body: str) -> bool:
    """Whether a prediction is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=MOST_S)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("POST", route, body, {"Content-Type": "application/json"})
        answer: Any = connection.getresponse()
        return bool(answer.status == 200 and answer.read())
    return False


def size_mb(folder: Path) -> tuple[float, float]:
    """Return the size of the packages of an environment, and that without bytecode."""
    [packages] = folder.glob("lib/python*/site-packages")
    files = [path for path in packages.rglob("*") if path.is_file() and not path.is_symlink()]
    sizes = {path: path.stat().st_size / 1e6 for path in files}
    return sum(sizes.values()), sum(size for path, size in sizes.items() if path.suffix != ".pyc")


if __name__ == "__main__":
    main()
