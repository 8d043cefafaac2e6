"""Take one model library through the command line: train, `scaffold new` with its proof, serve, ask."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from scaffold._uv import uv_command, uv_environment

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
MODELS = HERE / "models"
NAMES = sorted(path.parent.name for path in MODELS.glob("*/train.py"))
COMPILING = frozenset({"pynndescent", "umap-learn"})
"""numba compiles these for minutes in each process; they run where they are asked for by name."""
WORK = REPOSITORY / "build" / "libraries"
"""Environments stay here from one run to the next."""
_TIMEOUT_S = 600
_TOLERANCE = 1e-6


class LibraryError(Exception):
    """A step of a library failed; the message holds the command and the end of its output."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one folder of `models/` came to."""

    name: str
    library: str
    version: str
    train_s: float = math.nan
    new_s: float = math.nan
    failure: str = ""


def run_library(name: str, work: Path) -> Result:
    """Return how the folder `name` fared. Nothing is raised for a failure of the library or of the tool.

    Args:
        name: A folder of `models/`.
        work: Where environments and projects are written. Folders with the same requirements share an
            environment.
    """
    requirements = (MODELS / name / "requirements.txt").read_text(encoding="utf-8").split()
    library = requirements[0].partition("==")[0]
    version = train_s = new_s = None
    folder = work / name
    try:
        python = _environment(requirements, work)
        version = _installed_version(python, library)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MODELS / name, folder)
        train_s = _timed([str(python), "train.py"], folder, python, PYTHONPATH=str(HERE))
        model = next(path.name for path in folder.iterdir() if path.stem == "model")
        scaffold = str(python.with_name("scaffold"))
        samples = ["--input", "X.pkl", "--output", "y.pkl"]
        new_s = _timed([scaffold, "new", model, "service", *samples, *_options(folder)], folder, python)
        _ask(scaffold, folder, python)
    except LibraryError as error:
        return Result(name, library, version or "", train_s or math.nan, new_s or math.nan, str(error))
    return Result(name, library, version, train_s, new_s)


def table(results: Sequence[Result]) -> str:
    """A Markdown table with a row for each result."""
    rows = [("model", "library", "version", "training, s", "`scaffold new` and its proof, s", "")]
    rows.append(("---", "---", "---", "---:", "---:", "---"))
    for each in results:
        outcome = each.failure.strip().splitlines()[-1][:100] if each.failure else "answers"
        seconds = (f"{each.train_s:.1f}", f"{each.new_s:.1f}")
        rows.append((each.name, each.library, each.version, *seconds, outcome))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _environment(requirements: Sequence[str], work: Path) -> Path:
    """The Python of an environment with the requirements and this tool."""
    key = sha256("\n".join(sorted(requirements)).encode()).hexdigest()[:12]
    python = work / "environments" / key / "bin" / "python"
    complete = work / "environments" / key / "complete"
    if not complete.exists():
        work.mkdir(parents=True, exist_ok=True)
        make = [uv_command(), "venv", "--quiet", "--no-project", "--clear", "--python", sys.executable]
        _run([*make, str(python.parents[1])], work)
        install = [uv_command(), "pip", "install", "--quiet", "--python", str(python)]
        _run([*install, "--editable", str(REPOSITORY), *requirements], work)
        complete.touch()
    return python


def _installed_version(python: Path, library: str) -> str:
    code = f"from importlib.metadata import version; print(version({library!r}))"
    return _run([str(python), "-c", code], Path.cwd()).strip()


def _options(folder: Path) -> list[str]:
    """Further options of `scaffold new`, one a line."""
    path = folder / "options.txt"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def _ask(scaffold: str, folder: Path, python: Path) -> None:
    """Serve the project and ask the recorded request.

    Raises:
        LibraryError: The service does not start, or answers something else.
    """
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    with _served(scaffold, folder, python) as port:
        status, answer = _post(port, request["body"])
    wanted = request["answer"]
    if status != 200 or not (_same(answer, wanted) or _same(answer.get("prediction"), wanted)):
        raise LibraryError(f"POST /score {request['body']}\n{status} {answer}, wanted {wanted}")


@contextlib.contextmanager
def _served(scaffold: str, folder: Path, python: Path) -> Iterator[int]:
    """Serve `folder/service` on a free port for a while."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [scaffold, "serve", "service", "--port", str(port)],
            cwd=folder,
            env=_variables(python),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port, folder / "serve.log")
            yield port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise LibraryError(f"scaffold serve\n{log.read_text(errors='replace')[-2000:]}")


def _post(port: int, body: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/score", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _same(got: Any, wanted: Any) -> bool:
    match got, wanted:
        case (bool(), _) | (_, bool()):
            return got is wanted
        case (int() | float(), int() | float()):
            return math.isclose(got, wanted, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        case list(), list():
            return len(got) == len(wanted) and all(map(_same, got, wanted))
        case dict(), dict():
            return got.keys() == wanted.keys() and all(_same(got[key], wanted[key]) for key in got)
    return bool(got == wanted)


def _timed(command: list[str], cwd: Path, python: Path, **variables: str) -> float:
    start = time.monotonic()
    _run(command, cwd, _variables(python) | variables)
    return time.monotonic() - start


def _variables(python: Path) -> dict[str, str]:
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return uv_environment() | {"PATH": path, "OMP_NUM_THREADS": "1"}


def _run(command: list[str], cwd: Path, variables: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=variables or uv_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LibraryError(f"{' '.join(command)}\nno end after {_TIMEOUT_S} s") from error
    if done.returncode:
        raise LibraryError(f"{' '.join(command)}\n{done.stdout[-3000:]}")
    return done.stdout
