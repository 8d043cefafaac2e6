"""A compiled model beside an app that does not score. Usage: python -m benchmarks.serving.echo [ROUNDS]

The app is FastAPI with the service's own schemas, uvicorn, uvloop and httptools, and has one fixed answer. In
each round each has a turn of two seconds at one connection, and then at 64. A ratio is the median over the
rounds of the requests a second of the service over those of the app.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from contextlib import ExitStack

from benchmarks.serving._client import ready, verdict
from benchmarks.serving._environments import ensure_load_generator, ensure_services
from benchmarks.serving._measure import Client
from benchmarks.serving._places import LOGS, MODELS, SERVICES, python
from benchmarks.serving._process import adopt_orphans, free_ports, leave_server_core, running, wait_until
from benchmarks.serving._systems import PEERS, System, flower, prediction

CONNECTIONS, SECONDS = (1, 64), 2
AT_LEAST = 0.75
UVICORN = f"uvicorn echo:app --app-dir {PEERS} --host 127.0.0.1 --loop uvloop --no-access-log"


def main() -> int:
    """Run and print the ratios; 1 if one is below the line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ensure_load_generator()
    adopt_orphans()
    for model in "ABC":
        ensure_services(model)
    leave_server_core()
    lines = []
    for model in "ABC":
        for connections, ratios in _ratios(model, rounds).items():
            ratio, spread = statistics.median(ratios), f"({min(ratios):.2f} to {max(ratios):.2f})"
            line = f"{model}, {connections} connections: {ratio:.2f} of an app that does not score {spread}"
            lines.append((line, ratio >= AT_LEAST))
    return verdict(lines)


def _ratios(model: str, rounds: int) -> dict[int, list[float]]:
    """The throughput of the service over that of the app, for each round, by the number of connections."""
    environment, folder = f"ours-compiled-{model}", str(SERVICES / f"compiled-{model}")
    rows = json.loads((MODELS / f"{model}.json").read_text())["one"]
    bodies = [json.dumps(flower(row) if model == "C" else row) for row in rows]
    system = System(name="", label="", environment="", command=(), path="", body=list, answers=prediction)
    ports = free_ports(2)
    service = {"BIND_HOST": "127.0.0.1", "PORT": str(ports[0]), "ACCESS_LOG": "0"}
    commands = {
        ports[0]: ([python(environment), "-m", "app"], service),
        ports[1]: ([python(environment), "-m", *UVICORN.split(), "--port", str(ports[1])], {}),
    }
    ratios: dict[int, list[float]] = {connections: [] for connections in CONNECTIONS}
    rates = {}
    with ExitStack() as stack:
        for port, (command, variables) in commands.items():
            log = LOGS / f"echo-{port}.log"
            process = stack.enter_context(running(command, folder, variables, log))
            wait_until(lambda port=port: asyncio.run(ready(port)), process, 60)  # type: ignore[misc]
        clients = [Client(system, port) for port in ports]
        for number in range(rounds + 1):
            for connections, found in ratios.items():
                runs = [client.load("/score", bodies, connections, SECONDS) for client in clients]
                if any(run["bad"] for run in runs):
                    sys.exit(f"{runs}")
                rates[connections] = [round(run["rps"]) for run in runs]
                if number:  # the first round warms up
                    found.append(runs[0]["rps"] / runs[1]["rps"])
        print(f"{model}: the service and the app, requests a second by connections: {rates}", flush=True)
    return ratios


if __name__ == "__main__":
    sys.exit(main())
