"""Twice the capacity for a while, then half of it. Usage: python -m benchmarks.serving.overload [SECONDS]

Requests come at their own pace, whether or not there are answers. The batches are kept small, so that it is
the service that is at its limit and not this client.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from benchmarks.serving._client import Connection, connections, growth, request_bytes, service, verdict
from benchmarks.serving._places import MODELS
from benchmarks.serving._process import memory_mb
from benchmarks.serving._systems import as_json

SETTINGS = {"MAX_BATCH": "8", "MAX_WAITING": "64"}
CALM_S = 20  # at capacity, before and after
AT_CAPACITY = 64  # connections that keep all of that waiting


async def keep_asking(port: int, requests: list[bytes], seconds: float) -> list[float]:
    """Latencies of so many connections as wait at most, each asking when it has its answer."""
    latencies: list[float] = []

    async def ask(connection: Connection, first: int) -> None:
        end, number = time.perf_counter() + seconds, first
        while (began := time.perf_counter()) < end:
            await connection.ask(requests[number % len(requests)])
            latencies.append(time.perf_counter() - began)
            number += 1

    async with connections(port, AT_CAPACITY) as made:
        await asyncio.gather(*(ask(connection, i) for i, connection in enumerate(made)))
    return latencies


async def at_rate(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    """What came of requests at `rate` a second."""
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    memory = [memory_mb()]
    loop = asyncio.get_running_loop()
    async with connections(port, 512) as idle:

        async def ask(connection: Connection, request: bytes) -> None:
            began = time.perf_counter()
            if connection.closed:  # it had nothing to do for longer than the service keeps such
                _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
            status, _ = await connection.ask(request)
            statuses[status] += 1
            if status == 200:
                latencies.append(time.perf_counter() - began)
            idle.append(connection)

        began, sent, tasks = time.perf_counter(), 0, set()
        while (now := time.perf_counter() - began) < seconds:
            while sent < now * rate:
                if idle:
                    task = asyncio.ensure_future(ask(idle.pop(), requests[sent % len(requests)]))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                else:
                    statuses[-1] += 1  # not sent: every connection waits for an answer
                sent += 1
            if now > len(memory) * seconds / 40:
                memory.append(memory_mb())
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
    return {"statuses": dict(statuses), "p99_ms": p99_ms(latencies), "memory": memory}


def p99_ms(latencies: list[float]) -> float:
    """The latency that one in a hundred exceeds."""
    return 1e3 * sorted(latencies)[int(0.99 * len(latencies))]


def main() -> int:
    """Run and say what was found; 1 if a line does not hold."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    with service("A", **SETTINGS) as (port, _):
        rows = json.loads((MODELS / "A.json").read_text())["one"]
        requests = [request_bytes("/score", as_json(row)) for row in rows]
        asyncio.run(keep_asking(port, requests, 2))
        calm = asyncio.run(keep_asking(port, requests, CALM_S))
        capacity = len(calm) / CALM_S
        print(f"capacity {capacity:,.0f}/s, p99 {p99_ms(calm):.0f} ms", flush=True)
        found = asyncio.run(at_rate(port, requests, 2 * capacity, seconds))
        print(f"at twice that: {found['statuses']} (-1: not sent, all connections waited)", flush=True)
        after = asyncio.run(at_rate(port, requests, capacity / 2, 10))
        # Once more: the machine itself may be slower than it was ten minutes ago.
        calm += asyncio.run(keep_asking(port, requests, CALM_S))
    calm_p99 = p99_ms(calm)
    shed, slow, up = found["statuses"].get(503, 0), found["p99_ms"], growth(found["memory"])
    return verdict(
        [
            (f"sheds with 503: {shed:,}", shed > 0),
            ("no error but 503", set(found["statuses"]) <= {200, 503, -1}),
            (f"p99 of what is accepted {slow:.0f} ms, under twice {calm_p99:.0f} ms", slow < 2 * calm_p99),
            (f"memory flat: {up:+.1%}", up < 0.05),
            (
                f"back to normal: {after['statuses']}, p99 {after['p99_ms']:.0f} ms",
                set(after["statuses"]) == {200} and after["p99_ms"] < calm_p99,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
