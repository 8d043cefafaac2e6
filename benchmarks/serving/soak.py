"""A million requests from 64 connections, each answer compared: python -m benchmarks.serving.soak [N]"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time

from benchmarks.serving._client import connections, growth, request_bytes, service, verdict
from benchmarks.serving._places import MODELS
from benchmarks.serving._process import memory_mb
from benchmarks.serving._systems import as_json

CONNECTIONS = 64


async def ask(port: int, total: int) -> tuple[int, list[float]]:
    """How many answers were wrong, and the memory as it went."""
    rows = json.loads((MODELS / "A.json").read_text())
    pairs = [
        (request_bytes("/score", as_json(row)), b'{"prediction":%d}' % answer)
        for row, answer in zip(rows["one"], rows["one_answers"], strict=True)
    ]
    numbers, wrong, memory = itertools.count(), 0, [memory_mb()]
    async with connections(port, CONNECTIONS) as all_connections:

        async def keep_asking(connection: object) -> None:
            nonlocal wrong
            while (number := next(numbers)) < total:
                request, expected = pairs[number % len(pairs)]
                wrong += await connection.ask(request) != (200, expected)  # type: ignore[attr-defined]
                if number % (total // 50) == 0:
                    memory.append(memory_mb())

        await asyncio.gather(*map(keep_asking, all_connections))
    return wrong, memory


def main() -> int:
    """Run and say what was found; 1 if an answer was wrong."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with service("A") as (port, _):
        began = time.perf_counter()
        wrong, memory = asyncio.run(ask(port, total))
        took = time.perf_counter() - began
    print(f"{total / took:,.0f} requests a second, memory {memory[-1]:.0f} MB at the end")
    return verdict(
        [
            (f"{total:,} answers equal to the model's, {wrong} others", wrong == 0),
            (f"memory flat: {growth(memory):+.1%}", growth(memory) < 0.05),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
