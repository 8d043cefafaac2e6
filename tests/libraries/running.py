"""Run one model library on the command line: train, `scaffold new`, and optionally proof and request."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scaffold.base.uv import uv_environment
from tests.libraries.environments import (
    HERE,
    MODELS,
    REPOSITORY,
    LibraryError,
    library_environment,
    requirements_of,
    run_command,
)

WORK = REPOSITORY / "build" / "libraries"
"""Environments stay here from one run to the next."""
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a command took: by the clock, and in CPU seconds of all its processes."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one folder of `models/`."""

    name: str
    library: str
    version: str
    options: str
    new: Seconds | None = None
    proof: Seconds | None = None
    failure: str = ""
    note: str = ""
    """What `new --accelerate` says of the compiled model."""
    proven: str = ""
    """On what the proof compared the compiled model with the model."""


def run_library(name: str, work: Path, *, proof: bool = False, accelerate: str = "") -> Result:
    """Return and store the result of the folder `name`. No failure of the library or of scaffold raises.

    Args:
        name: A folder of `models/`.
        work: Where environments and projects are written.
        proof: Prove the service too, start it and send one request.
        accelerate: Make it with this option of `scaffold new`.
    """
    result = _run(name, work, proof=proof, accelerate=accelerate)
    _kept(name, work, accelerate).write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def kept_result(name: str, work: Path, accelerate: str = "") -> Result:
    """Return the result of the last run of the folder `name`."""
    kept = json.loads(_kept(name, work, accelerate).read_text(encoding="utf-8"))
    times = {key: kept[key] and Seconds(**kept[key]) for key in ("new", "proof")}
    return Result(**kept | times)


def _kept(name: str, work: Path, accelerate: str) -> Path:
    return work / f"{name}{accelerate and f'.{accelerate}'}.json"


def _run(name: str, work: Path, *, proof: bool, accelerate: str) -> Result:
    library, version = requirements_of(name)[0].split("==")
    folder = work / name
    options = _options(MODELS / name)
    result = Result(name, library, version, " ".join(options))
    try:
        python = library_environment(name, work)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MODELS / name, folder)
        _timed([str(python), "train.py"], folder, python, PYTHONPATH=str(HERE))
        model = next(path.name for path in folder.iterdir() if path.stem == "model")
        scaffold = str(python.with_name("scaffold"))
        samples = ["--input", "X.pkl", "--output", "y.pkl"]
        new = [scaffold, "new", model, "service", *samples, *options]
        new += ["--accelerate", accelerate] if accelerate else []
        new += [] if accelerate and proof else ["--no-verify"]
        seconds, printed = _timed(new, folder, python)
        result = replace(result, new=seconds)
        if accelerate:
            note, proven = (_rest_of_line(printed, start) for start in ("accelerate: ", "compiled model: "))
            result = replace(result, note=note, proven=proven)
        if proof and not accelerate:
            seconds, _ = _timed([scaffold, "verify", "service"], folder, python)
            result = replace(result, proof=seconds)
        if proof:
            _ask(scaffold, folder, python)
    except LibraryError as error:
        return replace(result, failure=str(error))
    return result


def _rest_of_line(text: str, start: str) -> str:
    """Return what follows `start` in its line; empty if it is not there."""
    return text.partition(start)[2].partition("\n")[0]


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
    """Serve `folder/service` on a free port during the block."""
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
    end = time.monotonic() + 600
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


def _timed(command: list[str], cwd: Path, python: Path, **variables: str) -> tuple[Seconds, str]:
    """Return how long the command took, and what it printed."""
    start, used = time.monotonic(), _cpu_s()
    printed = run_command(command, cwd, _variables(python) | variables)
    return Seconds(time.monotonic() - start, _cpu_s() - used), printed


def _cpu_s() -> float:
    """Return the CPU seconds of the ended child processes and their children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _variables(python: Path) -> dict[str, str]:
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return uv_environment() | {"PATH": path, "OMP_NUM_THREADS": "1"}
