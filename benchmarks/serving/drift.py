"""The cost of counting drift. Usage: python -m benchmarks.serving.drift [SECONDS]

The Titanic service with the answer `drift`, to 64 connections. It switches the counting on and off every
tenth of a second, and adds up the CPU time and the requests of both: other work disturbs both alike. The
ratio is that of the CPU time of a request, on over off; its spread is that over ten parts of the run.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from typing import Any

from benchmarks.serving._client import ready, verdict
from benchmarks.serving._environments import ensure_load_generator, ensure_services
from benchmarks.serving._measure import Client
from benchmarks.serving._places import LOGS, MODELS, SERVICES, python
from benchmarks.serving._process import adopt_orphans, free_ports, leave_server_core, running, wait_until
from benchmarks.serving._systems import System, prediction

MODEL, PATH, PREFIX = "A", "/score", "drift-"
CONNECTIONS, PARTS = 64, 10
MOST = 1.02
SERVER = """
import threading, time
from prometheus_client import REGISTRY
from app import main, score
from app.serving import Batcher
from app.serving.runner import serve
from app.settings import settings

batcher = main.batcher
off = Batcher.score.__get__(batcher)
modes = {"on": (batcher.score, batcher.run), "off": (off, score.run)}

def state():
    labels = {"route": "/score", "status": "200"}
    return time.process_time(), REGISTRY.get_sample_value("http_requests_total", labels) or 0

def take_turns():
    while True:
        for mode, (batcher.score, batcher.run) in modes.items():
            cpu_s, requests = state()
            time.sleep(0.1)
            now = state()
            print(mode, now[0] - cpu_s, now[1] - requests, flush=True)

threading.Thread(target=take_turns, daemon=True).start()
serve("app.main:app", settings)
"""


def main() -> int:
    """Run and print the ratio; 1 if counting costs more than two percent."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    ensure_load_generator()
    adopt_orphans()
    ensure_services(MODEL, prefix=PREFIX, answers=["drift=true"])
    leave_server_core()
    costs = {mode: _costs(turns) for mode, turns in _measure(seconds).items()}
    ratios = [on / off for on, off in zip(costs["on"], costs["off"], strict=True)]
    ratio, spread = statistics.median(ratios), f"({min(ratios):.3f} to {max(ratios):.3f})"
    cpu_us = statistics.median(costs["off"]) * 1e6
    line = f"a request with drift counted takes {ratio:.3f} of the CPU time without {spread}, {cpu_us:.0f} us"
    return verdict([(line, ratio <= MOST)])


def _measure(seconds: int) -> dict[str, list[tuple[float, float]]]:
    """The CPU time and the requests of each turn that had any."""
    body = [json.dumps(row) for row in json.loads((MODELS / f"{MODEL}.json").read_text())["one"]]
    system = System(name="ours", label="", environment="", command=(), path="", body=list, answers=prediction)
    port, log = free_ports(1)[0], LOGS / "drift.log"
    command = [python(f"ours-{MODEL}"), "-c", SERVER]
    variables = {"BIND_HOST": "127.0.0.1", "PORT": str(port), "ACCESS_LOG": "0"}
    with running(command, str(SERVICES / f"{PREFIX}{MODEL}"), variables, log) as process:
        wait_until(lambda: asyncio.run(ready(port)), process, 60)
        result: dict[str, Any] = Client(system, port).load(PATH, body, CONNECTIONS, seconds)
    if result["bad"]:
        sys.exit(f"{result}")
    turns: dict[str, list[tuple[float, float]]] = {"on": [], "off": []}
    for line in log.read_text().splitlines():
        mode, *numbers = line.split()
        if mode in turns and float(numbers[1]):
            turns[mode].append((float(numbers[0]), float(numbers[1])))
    return turns


def _costs(turns: list[tuple[float, float]]) -> list[float]:
    """The CPU time of a request in each part of the run."""
    size = len(turns) // PARTS
    parts = [turns[number * size : (number + 1) * size] for number in range(PARTS)]
    return [sum(cpu_s for cpu_s, _ in part) / sum(requests for _, requests in part) for part in parts]


if __name__ == "__main__":
    sys.exit(main())
