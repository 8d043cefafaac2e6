"""The other protocols beside /score, by wrk. Usage: python -m benchmarks.serving.protocols [ROUNDS]

The services are a linear model and a forest on a table, a model on images and one on text. Each speaks all
protocols to 64 connections; the first also in the plain profile. In each round each path has a turn of two
seconds, between two of /score, since the speed of a machine moves. A ratio is to their mean, and is the
median over the rounds.
`padded` is /score with spaces up to the size of a body of the Open Inference Protocol.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from typing import Any

from benchmarks.serving._client import ready, verdict
from benchmarks.serving._environments import ensure_load_generator, ensure_services
from benchmarks.serving._measure import Client
from benchmarks.serving._places import LOGS, SERVICES, python
from benchmarks.serving._process import adopt_orphans, free_ports, leave_server_core, running, wait_until
from benchmarks.serving._systems import System, prediction
from scaffold.base.recording import read_recording
from scaffold.spec import OTHER_PROTOCOLS, PROTOCOLS

MODELS = {"A": "linear", "B": "forest", "F": "images", "G": "text"}
NAME = "scored"
CONNECTIONS, SECONDS = 64, 2
AT_LEAST = 0.9
PREFIX = "protocols-"
PADDED = "padded"


def main() -> int:
    """Run and print the ratios; 1 if a protocol of the fast profile is below its line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ensure_load_generator()
    adopt_orphans()
    answers = [f"protocols={','.join(OTHER_PROTOCOLS)}"]
    forms = [(model, form) for model in MODELS for form in (("", "plain-") if model == "A" else ("",))]
    for model, form in forms:
        ensure_services(model, prefix=PREFIX, answers=answers, forms=[form])
    leave_server_core()
    lines = []
    for model, form in forms:
        for name, ratios, size in _ratios(f"{form}{model}", rounds):
            ratio = statistics.median(ratios)
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
            line = f"{form}{MODELS[model]} {name}, {size} bytes: {ratio:.2f} of /score {spread}"
            if form:
                print(f"      {line}", flush=True)
            else:
                lines.append((line, ratio >= AT_LEAST))
    return verdict(lines)


def _ratios(environment: str, rounds: int) -> list[tuple[str, list[float], int]]:
    """The throughput of each protocol over that of /score, for each round, and the bytes of a request."""
    folder = SERVICES / f"{PREFIX}{environment}"
    rows: list[Any] = [*read_recording(folder).requests]
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
    with running(command, str(folder), variables, log) as process:
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
