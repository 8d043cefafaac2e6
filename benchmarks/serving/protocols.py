"""The other protocols beside /score, by wrk. Usage: python -m benchmarks.serving.protocols [ROUNDS]

One service of each profile speaks all of them, to 64 connections. In each round each path has a turn of two
seconds, /score the first. A ratio is the median over the rounds: the speed of a machine moves within minutes.
`padded` is /score with spaces up to the size of a body of the Open Inference Protocol.
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
from scaffold.spec import OTHER_PROTOCOLS, PROTOCOLS

MODEL, NAME = "A", "scored"
CONNECTIONS, SECONDS = 64, 2
AT_LEAST = 0.9
# A tensor for each field: eight objects of JSON in place of one, before the records are validated.
AT_LEAST_OF_TENSORS = 0.7
PREFIX = "protocols-"
PADDED = "padded"


def main() -> int:
    """Run and print the ratios; 1 if a protocol of the fast profile is below its line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ensure_load_generator()
    adopt_orphans()
    ensure_services(MODEL, prefix=PREFIX, answers=[f"protocols={','.join(OTHER_PROTOCOLS)}"])
    leave_server_core()
    rows = json.loads((MODELS / f"{MODEL}.json").read_text())["one"]
    lines = []
    for profile, environment in (("fast", MODEL), ("plain", f"plain-{MODEL}")):
        for name, ratios, size in _ratios(environment, rows, rounds):
            ratio = statistics.median(ratios)
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
            line = f"{profile} {name}, {size} bytes: {ratio:.2f} of /score {spread}"
            if profile == "fast":
                lines.append((line, ratio >= (AT_LEAST_OF_TENSORS if name == "oip" else AT_LEAST)))
            else:
                print(f"      {line}", flush=True)
    return verdict(lines)


def _ratios(environment: str, rows: list[Any], rounds: int) -> list[tuple[str, list[float], int]]:
    """The throughput of each protocol over that of /score, for each round, and the bytes of a request."""
    port = free_ports(1)[0]
    command = [python(f"ours-{environment}"), "-m", "app"]
    variables = {"BIND_HOST": "127.0.0.1", "PORT": str(port), "ACCESS_LOG": "0"}
    log = LOGS / f"{PREFIX}{environment}.log"
    routes = {name: protocol.of_model(NAME).single for name, protocol in PROTOCOLS.items()}
    bodies = {name: [route.encode(row).decode() for row in rows] for name, route in routes.items()}
    routes[PADDED] = routes["score"]
    bodies[PADDED] = [
        body.ljust(len(tensors)) for body, tensors in zip(bodies["score"], bodies["oip"], strict=True)
    ]
    rates: dict[str, list[float]] = {name: [] for name in routes}
    with running(command, str(SERVICES / f"{PREFIX}{environment}"), variables, log) as process:
        wait_until(lambda: asyncio.run(ready(port)), process, 60)
        system = System(
            name="ours", label="", environment="", command=(), path="", body=list, answers=prediction
        )
        client = Client(system, port)
        client.load(routes["score"].path, bodies["score"], CONNECTIONS, 2)
        for _ in range(rounds):
            for name, route in routes.items():
                result = client.load(route.path, bodies[name], CONNECTIONS, SECONDS)
                if result["bad"]:
                    sys.exit(f"{name}: {result}")
                rates[name].append(result["rps"])
    print(f"{environment}: /score {statistics.median(rates['score']):,.0f}/s", flush=True)
    return [
        (
            name,
            [rate / of_score for rate, of_score in zip(rates[name], rates["score"], strict=True)],
            len(bodies[name][0]),
        )
        for name in (PADDED, *OTHER_PROTOCOLS)
    ]


if __name__ == "__main__":
    sys.exit(main())
