"""Systems on one model: cold start, load at each concurrency, answers, many rows at once, memory."""

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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benchmarks.serving._environments import version
from benchmarks.serving._places import HERE, LOAD_CORE, LOGS, MODELS
from benchmarks.serving._process import cpu_s, free_ports, freeze, memory_mb, resume, running, wait_until
from benchmarks.serving._systems import System, as_json

ROWS_TOGETHER = 256
WAKING = 32


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


def measure(
    systems: Sequence[System],
    model: str,
    plan: Plan,
    turns: int = 1,
    near: Mapping[str, Collection[str]] | None = None,
) -> list[dict[str, Any]]:
    """All that is to be known of each of `systems` on `model`, as JSON: an object for each turn of each.

    They take turns at each thing that is measured, within seconds of each other, for the speed of a machine
    moves within minutes; one that is not at its turn is frozen. `near` names those that take part, by number
    of connections, as `rows`, and as `starts`; without it all do, and start once.
    """
    with contextlib.ExitStack() as stack:
        contenders = [_Contender(system, model, plan, stack) for system in systems]
        for contender in contenders:
            contender.take_turn(_Contender.start)
        found: list[dict[str, Any]] = [{"turn": turn} for _ in contenders for turn in range(turns)]
        steps: dict[str, Callable[..., None]] = {
            str(count): partial(_Contender.load, connections=count) for count in plan.connections
        }
        steps |= {"rows": _Contender.many} | ({"starts": _Contender.start_once_more} if near else {})
        for name, step in steps.items():
            for turn in range(turns):
                for i, contender in enumerate(contenders):
                    if near is None or contender.found["system"] in near[name]:
                        contender.take_turn(partial(step, found=found[i * turns + turn]))
        for contender in contenders:
            contender.take_turn(_Contender.end)
    return [{**contenders[i // turns].found, **of_turn} for i, of_turn in enumerate(found)]


class _Contender:
    """One system on one model, and what was found of it but for its turns."""

    def __init__(self, system: System, model: str, plan: Plan, stack: contextlib.ExitStack) -> None:
        self.found: dict[str, Any] = {"system": system.name, "label": system.label, "model": model}
        self._system, self._plan, self._stack = system, plan, stack
        self._process: subprocess.Popen[bytes] | None = None
        self._rows = json.loads((MODELS / f"{model}.json").read_text())
        pairs = _pairs(system, self._rows, "one")
        self._bodies = [as_json(system.body([row])) for row, _ in pairs]
        self._expected = [[answer] for _, answer in pairs]

    def take_turn(self, step: Callable[[_Contender], None]) -> None:
        """Take a step while all others are frozen; what fails ends it for this system, and is kept."""
        if "failed" in self.found:
            return
        try:
            if self._process:
                self._wake(self._process)
            step(self)
        except (RuntimeError, ValueError, OSError, subprocess.SubprocessError, HTTPException) as error:
            self.found["failed"] = str(error) or repr(error)
        if self._process:
            freeze(self._process.pid)

    def _wake(self, process: subprocess.Popen[bytes]) -> None:
        """Let it go on, and forget that it ever stood: some tools take the pause for a slow model."""
        resume(process.pid)
        for body in self._bodies[:WAKING]:
            with contextlib.suppress(ValueError):
                self._client.ask(self._system.path, body)

    def start(self) -> None:
        """Prepare and start it, wait for its first answer, warm it up."""
        prepare(self._system)
        self.found["version"] = version(self._system.environment, self._system.environment)
        started = self._stack.enter_context(self._started())
        self._process, self._client, self.found["cold_start_s"] = started
        self._client.load(self._system.path, self._bodies, 8, self._plan.warm_s)

    def start_once_more(self, found: dict[str, Any]) -> None:
        """See how long it takes to another one's first answer."""
        with self._started() as (_, _, found["cold_start_s"]):
            pass

    @contextlib.contextmanager
    def _started(self) -> Iterator[tuple[subprocess.Popen[bytes], Client, float]]:
        """One that runs, who asks it, and the seconds to its first answer."""
        system, ports = self._system, free_ports(3)
        places = {"{port}": str(ports[0]), "{port2}": str(ports[1]), "{port3}": str(ports[2])}
        command = [_filled(part, places) for part in system.command]
        variables = {name: _filled(value, places) for name, value in system.variables.items()}
        log = LOGS / f"{system.name}-{self.found['model']}.log"
        client = Client(system, ports[0])

        def ready() -> bool:
            try:
                return client.ask(system.path, self._bodies[0]) == self._expected[0]
            except (ValueError, HTTPException):
                return False

        with running(command, system.folder, variables, log) as process:
            yield process, client, wait_until(ready, process, self._plan.start_s)

    def load(self, connections: int, found: dict[str, Any]) -> None:
        """Rate and latencies with so many connections, answers compared meanwhile."""
        asked = (self._client, self._system, self._bodies, self._expected, connections)
        with _Checker(*asked) as checker:
            load = self._client.load(self._system.path, self._bodies, connections, self._plan.seconds)
        load |= {"checked": checker.checked, "wrong": checker.wrong, "probe_ms": checker.probe_ms}
        found.setdefault("load", {})[str(connections)] = load

    def many(self, found: dict[str, Any]) -> None:
        """Rows a second if many come in one request, where that is offered."""
        system = self._system
        if not (system.many_path and system.many_body):
            return
        pairs = (_pairs(system, self._rows, "many") * ROWS_TOGETHER)[:ROWS_TOGETHER]
        body = as_json(system.many_body([row for row, _ in pairs]))
        try:
            equal = self._client.ask(system.many_path, body) == [answer for _, answer in pairs]
        except (ValueError, OSError) as error:
            found |= {"many_equal": False, "many_problem": str(error)}
            return
        load = self._client.load(system.many_path, [body], 1, self._plan.seconds)
        found |= {"many_equal": equal, "rows_per_s": ROWS_TOGETHER * load["rps"]}

    def end(self) -> None:
        """Compare the answers to many threads, and see what memory it holds by now."""
        assert self._process
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(partial(self._client.ask, self._system.path), self._bodies))
        self.found |= {"answers_equal": answers == self._expected, "memory_mb": memory_mb(self._process.pid)}


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
            except (ValueError, OSError, HTTPException):
                self.wrong += 1


def _pairs(system: System, rows: dict[str, Any], which: str) -> list[tuple[Any, Any]]:
    """The rows that `system` takes, each with its answer."""
    pairs = zip(rows[which], rows[f"{which}_answers"], strict=True)
    return [(row, answer) for row, answer in pairs if _fits(system, row)]


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
