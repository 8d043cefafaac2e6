"""One system on one model: cold start, answers, load at each concurrency, many rows at once, memory."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving._environments import version
from benchmarks.serving._places import HERE, LOAD_CORE, LOGS, MODELS
from benchmarks.serving._process import cpu_s, free_ports, memory_mb, running, wait_until
from benchmarks.serving._systems import System, as_json

ROWS_TOGETHER = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long and how hard."""

    connections: tuple[int, ...]
    seconds: float
    warm_s: float
    start_s: float = 120


class Client:
    """Asks a system for predictions."""

    def __init__(self, system: System, port: int) -> None:
        self._system, self._port = system, port

    def ask(self, path: str, body: str) -> list[int]:
        """The answers to a body; an HTTP error raises `ValueError`."""
        text = self._request("POST", path, body)
        return [int(value) for value in self._system.answers(json.loads(text))]

    def probe(self, path: str) -> None:
        """Ask for `path`; an HTTP error raises `ValueError`."""
        self._request("GET", path, None)

    def _request(self, method: str, path: str, body: str | None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        if response.status != 200:
            raise ValueError(f"{response.status} {text[:200]!r}")
        return text

    def load(self, path: str, bodies: list[str], connections: int, seconds: float) -> dict[str, Any]:
        """What wrk says of so many connections that each send one request after the other."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(bodies) + "\n")
            file.flush()
            before = cpu_s()
            began = time.perf_counter()
            command = ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", "--timeout", "30s"]
            ended = subprocess.run(
                [
                    "taskset",
                    "-c",
                    LOAD_CORE,
                    *command,
                    "-s",
                    str(HERE / "post.lua"),
                    f"http://127.0.0.1:{self._port}",
                ],
                env={**os.environ, "BODIES": file.name, "URL_PATH": path},
                capture_output=True,
                text=True,
                check=True,
            )
            took, after = time.perf_counter() - began, cpu_s()
        line = next(line for line in ended.stdout.splitlines() if line.startswith("RESULT "))
        result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
        result["rps"] = result["requests"] / result["seconds"]
        result["others_cpu"] = ((after[1] - before[1]) - (after[0] - before[0])) / took
        return result


def measure(system: System, model: str, plan: Plan) -> dict[str, Any]:
    """All that is to be known of `system` on `model`, as JSON."""
    rows = json.loads((MODELS / f"{model}.json").read_text())
    ports = free_ports(3)
    places = {"{port}": str(ports[0]), "{port2}": str(ports[1]), "{port3}": str(ports[2])}
    command = [_filled(part, places) for part in system.command]
    variables = {name: _filled(value, places) for name, value in system.variables.items()}
    log = LOGS / f"{system.name}-{model}.log"
    client = Client(system, ports[0])
    pairs = [pair for pair in zip(rows["one"], rows["one_answers"], strict=True) if _fits(system, pair[0])]
    bodies = [as_json(system.body([row])) for row, _ in pairs]
    expected = [[answer] for _, answer in pairs]
    found: dict[str, Any] = {"system": system.name, "label": system.label, "model": model, "load": {}}
    found["version"] = version(system.environment, system.environment)
    with running(command, system.folder, variables, log) as process:

        def ready() -> bool:
            try:
                return client.ask(system.path, bodies[0]) == expected[0]
            except (ValueError, http.client.HTTPException):
                return False

        found["cold_start_s"] = wait_until(ready, process, plan.start_s)
        client.load(system.path, bodies, 8, plan.warm_s)
        for connections in plan.connections:
            with _Checker(client, system, bodies, expected, connections) as checker:
                load = client.load(system.path, bodies, connections, plan.seconds)
            load |= {"checked": checker.checked, "wrong": checker.wrong, "probe_ms": checker.probe_ms}
            found["load"][str(connections)] = load
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda body: client.ask(system.path, body), bodies))
        found["answers_equal"] = answers == expected
        if system.many_path and system.many_body:
            found |= _many(client, system, rows, plan)
        found["memory_mb"] = memory_mb()
    return found


class _Checker:
    """Compares answers while the load is on: a few a second, none where a second connection would be felt."""

    def __init__(
        self, client: Client, system: System, bodies: list[str], expected: list[list[int]], connections: int
    ) -> None:
        self.checked = self.wrong = 0
        self.probe_ms = 0.0
        """The slowest answer to a probe."""
        self._ask = (client, system, bodies, expected)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._busy = connections >= 8

    def __enter__(self) -> _Checker:
        if self._busy:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._busy:
            self._thread.join()

    def _run(self) -> None:
        client, system, bodies, expected = self._ask
        while not self._end.wait(0.2):
            i = self.checked % len(bodies)
            self.checked += 1
            try:
                self.wrong += client.ask(system.path, bodies[i]) != expected[i]
                if system.probe:
                    began = time.perf_counter()
                    client.probe(system.probe)
                    self.probe_ms = max(self.probe_ms, 1e3 * (time.perf_counter() - began))
            except (ValueError, OSError, http.client.HTTPException):
                self.wrong += 1


def _many(client: Client, system: System, rows: dict[str, Any], plan: Plan) -> dict[str, Any]:
    assert system.many_path
    assert system.many_body
    pairs = [pair for pair in zip(rows["many"], rows["many_answers"], strict=True) if _fits(system, pair[0])]
    pairs = (pairs * ROWS_TOGETHER)[:ROWS_TOGETHER]
    body = as_json(system.many_body([row for row, _ in pairs]))
    try:
        equal = client.ask(system.many_path, body) == [answer for _, answer in pairs]
    except (ValueError, OSError) as error:
        return {"many_equal": False, "many_problem": str(error)}
    load = client.load(system.many_path, [body], 1, plan.seconds)
    return {"many_equal": equal, "rows_per_s": ROWS_TOGETHER * load["rps"]}


def _fits(system: System, row: Any) -> bool:
    return system.nulls or not isinstance(row, dict) or None not in row.values()


def _filled(text: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def prepare(system: System) -> None:
    """Do what `system` needs once, before it is started."""
    for path, content in system.files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(content))
    for command in system.prepare:
        subprocess.run(
            command,
            cwd=system.folder,
            env={**os.environ, **system.variables},
            check=True,
            capture_output=True,
        )
