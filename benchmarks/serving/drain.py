"""kill -TERM under load, again and again: python -m benchmarks.serving.drain [TIMES]

64 connections keep asking. What was sent before the port was closed must be answered, each time.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from subprocess import Popen

from benchmarks.serving._client import Connection, connections, request_bytes, service, verdict
from benchmarks.serving._places import MODELS
from benchmarks.serving._systems import as_json

CONNECTIONS = 64
LOADED_S = 2


async def ask_until_it_ends(port: int, process: Popen[bytes], requests: list[bytes]) -> Counter[int]:
    """The statuses of all that was sent until the service closed; 0 where there was no answer."""
    statuses: Counter[int] = Counter()

    async def keep_asking(connection: Connection, number: int) -> None:
        while not connection.closed and not connection.leaving:
            status, _ = await connection.ask(requests[number % len(requests)])
            statuses[status] += 1
            number += 1

    async with connections(port, CONNECTIONS) as made:
        asyncio.get_running_loop().call_later(LOADED_S, process.send_signal, signal.SIGTERM)
        await asyncio.gather(*(keep_asking(connection, i) for i, connection in enumerate(made)))
    return statuses


def main() -> int:
    """Run and say what was found; 1 if a request had no answer."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    lines = []
    for _ in range(times):
        with service("A") as (port, process):
            rows = json.loads((MODELS / "A.json").read_text())["one"]
            requests = [request_bytes("/score", as_json(row)) for row in rows]
            statuses = asyncio.run(ask_until_it_ends(port, process, requests))
            status = process.wait(60)
        held = set(statuses) == {200} and status == 0
        lines.append((f"every request that was accepted is answered: {dict(statuses)}, exit {status}", held))
    return verdict(lines)


if __name__ == "__main__":
    sys.exit(main())
