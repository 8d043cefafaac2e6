"""Bytes that are no HTTP, or only nearly. Usage: python -m benchmarks.serving.fuzz [SECONDS] [SEED]

After each round the service must still answer a good request with the right prediction.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter

from benchmarks.serving._client import connections, growth, request_bytes, service, verdict
from benchmarks.serving._places import MODELS
from benchmarks.serving._process import memory_mb
from benchmarks.serving._systems import as_json

PIECES = [
    b"\x00",
    b"\xff",
    b"\r\n",
    b"\r\n\r\n",
    b'"',
    b"{",
    b"[" * 1000,
    b"9" * 5000,
    b"NaN",
    b"\\ud800",
    b"null",
]
HEADS = [
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 500",
    b"Content-Length : 5",
    b"Content-Encoding: gzip",
    b"Transfer-Encoding: chunked, chunked",
    b"Expect: 100-continue",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"X-Request-ID: " + b"a" * 70_000,
]


def nearly_http(good: bytes, chance: random.Random) -> bytes:
    """A request that was damaged in one of many ways."""
    raw = bytearray(good)
    match chance.randrange(8):
        case 0:
            return chance.randbytes(chance.randrange(1, 5000))
        case 1:
            for _ in range(chance.randrange(1, 20)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        case 2:
            at = chance.randrange(len(raw))
            raw[at:at] = chance.choice(PIECES)
        case 3:
            del raw[chance.randrange(len(raw)) :]
        case 4:
            first, _, rest = good.partition(b"\r\n")
            raw = bytearray(first + b"\r\n" + chance.choice(HEADS) + b"\r\n" + rest)
        case 5:
            raw = bytearray(good * chance.randrange(2, 30))  # pipelined
        case 6:
            size = chance.choice([b"0", b"5", b"-5", b"ffffffffffffffff1", b"1;a=b", b"zz"])  # of a chunk
            head = good.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
            raw = bytearray(head + size + b"\r\n" + chance.randbytes(20) + b"\r\n0\r\n\r\n" + good)
        case _:
            at = good.index(b"\r\n\r\n") + 4
            raw[at:] = bytes(chance.choice(b'{}[]",:0123456789.eE+-truefalsn \\u') for _ in raw[at:])
    return bytes(raw)


async def attack(port: int, raw: bytes, chance: random.Random) -> int:
    """Send, in pieces or at once, and return the status of the first answer; 0 if there was none."""
    status = 0
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            pieces = chance.choice([1, 1, 1, 7])
            for i in range(pieces):
                writer.write(raw[len(raw) * i // pieces : len(raw) * (i + 1) // pieces])
                await writer.drain()
                await asyncio.sleep(0.01 if pieces > 1 else 0)
            head = await asyncio.wait_for(reader.read(4096), 0.2)
            status = int(head[9:12]) if head[:7] == b"HTTP/1." else 0
        finally:
            writer.close()
    return status


async def run(port: int, seconds: float, seed: int) -> tuple[Counter[int], list[float], Counter[int]]:
    """The statuses that were seen, the memory as it went, and the answers to those who send slowly."""
    rows = json.loads((MODELS / "A.json").read_text())
    good = request_bytes("/score", as_json(rows["one"][0]))
    expected = (200, b'{"prediction":%d}' % rows["one_answers"][0])
    chance, seen, memory = random.Random(seed), Counter[int](), [memory_mb()]
    slow = [asyncio.ensure_future(slowly(port, good, seconds)) for _ in range(64)]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        attacks = [attack(port, nearly_http(good, chance), chance) for _ in range(32)]
        seen.update(await asyncio.gather(*attacks))
        async with connections(port, 1) as [connection]:
            assert await asyncio.wait_for(connection.ask(good), 10) == expected
        memory.append(memory_mb())
    return seen, memory, Counter(await asyncio.gather(*slow))


async def slowly(port: int, good: bytes, seconds: float) -> int:
    """Send a request a byte at a time for as long as it is listened to; the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.ensure_future(reader.read(4096))
    end = time.perf_counter() + seconds
    with contextlib.suppress(OSError):
        for byte in good:
            writer.write(bytes([byte]))
            await asyncio.wait([answer], timeout=0.2)
            if answer.done() or time.perf_counter() > end:
                break
    answer.cancel()
    writer.close()
    return int(answer.result()[9:12] or 0) if answer.done() and not answer.cancelled() else 0


def main() -> int:
    """Run and say what was found; 1 if there was a 5xx, or no answer to a good request."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with service("A", BODY_TIMEOUT_S="5") as (port, process):
        seen, memory, slow = asyncio.run(run(port, seconds, seed))
        alive = process.poll() is None
    print(f"{sum(seen.values()):,} attacks, answers by status {dict(sorted(seen.items()))}")
    return verdict(
        [
            ("the process lives, and gave the right answer after each of the rounds", alive),
            ("no 5xx", not any(status >= 500 for status in [*seen, *slow])),
            (f"slow requests were ended: {dict(slow)}", 0 not in slow),
            (f"memory flat: {growth(memory):+.1%}", growth(memory) < 0.05),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
