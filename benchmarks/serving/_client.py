"""A client that looks at every answer: many connections in one event loop, requests as finished bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from benchmarks.serving._environments import ensure_services
from benchmarks.serving._places import LOGS, SERVICES, python
from benchmarks.serving._process import adopt_orphans, free_ports, running, wait_until


def request_bytes(path: str, body: str) -> bytes:
    """A POST of JSON."""
    raw = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.closed = False
        self.leaving = False
        """Whether the service has asked to close it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Status and body of the answer; status 0 if the connection ends without one."""
        self._answer = asyncio.get_running_loop().create_future()
        if self.closed:
            self._answer.set_result((0, b""))
        else:
            self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if separator:
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self._buffer = body[length:]
                self.leaving |= b"connection: close" in head.lower()
                self._finish(int(head[9:12]), body[:length])

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed = True
        self._finish(0, b"")

    def _finish(self, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    try:
        yield [protocol for _, protocol in made]
    finally:
        for transport, _ in made:
            transport.close()


@contextmanager
def service(model: str, **settings: str) -> Iterator[tuple[int, Any]]:
    """Generate our service for a model and run it; its port and its process."""
    adopt_orphans()
    ensure_services(model)
    port = free_ports(1)[0]
    variables = {"BIND_HOST": "127.0.0.1", "PORT": str(port), **settings}
    command = [python(f"ours-{model}"), "-m", "app"]
    with running(command, str(SERVICES / model), variables, LOGS / f"service-{model}.log") as process:
        wait_until(lambda: asyncio.run(ready(port)), process, 60)
        yield port, process


async def ready(port: int) -> bool:
    """Whether the service on a port of this machine is ready."""
    async with connections(port, 1) as [connection]:
        status, _ = await connection.ask(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        return status == 200


def growth(samples: list[float]) -> float:
    """By which part memory went up after the first quarter of the samples."""
    return max(samples) / samples[len(samples) // 4] - 1


def verdict(lines: list[tuple[str, bool]]) -> int:
    """Print what was to hold and whether it did; 0 if all of it did."""
    for what, held in lines:
        print(f"{'PASS' if held else 'FAIL'}  {what}", flush=True)
    return 0 if all(held for _, held in lines) else 1
