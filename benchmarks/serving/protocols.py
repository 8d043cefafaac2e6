"""The other protocols beside /score, by wrk. Usage: python -m benchmarks.serving.protocols [ROUNDS]

One service of each profile speaks all of them, to 64 connections. In each round each path has a turn of two
seconds, between two of /score, since the speed of a machine moves. A ratio is to their mean, and is
the median over the rounds.
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
AT_LEAST_OF_TENSORS = 0.75
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
    score = routes.pop("score")
    routes = {PADDED: score, **routes}
    bodies[PADDED] = [
        body.ljust(len(tensors)) for body, tensors in zip(bodies["score"], bodies["oip"], strict=True)
    ]
    ratios: dict[str, list[float]] = {name: [] for name in routes}
    with running(command, str(SERVICES / f"{PREFIX}{environment}"), variables, log) as process:
        wait_until(lambda: asyncio.run(ready(port)), process, 60)
        system = System(
            name="ours", label="", environment="", command=(), path="", body=list, answers=prediction
        )
        client = Client(system, port)

        def rate(name: str, path: str) -> float:
            result = client.load(path, bodies[name], CONNECTIONS, SECONDS)
            if result["bad"]:
                sys.exit(f"{name}: {result}")
            return float(result["rps"])

        rate("score", score.path)  # warms up
        before = [rate("score", score.path)]
        for _ in range(rounds):
            for name, route in routes.items():
                found = rate(name, route.path)
                before.append(rate("score", score.path))
                ratios[name].append(2 * found / sum(before[-2:]))
    print(f"{environment}: /score {statistics.median(before):,.0f}/s", flush=True)
    return [(name, ratios[name], len(bodies[name][0])) for name in (PADDED, *OTHER_PROTOCOLS)]


if __name__ == "__main__":
    sys.exit(main())
