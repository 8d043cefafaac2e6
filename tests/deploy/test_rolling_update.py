"""A rolling update with the settings of the manifests, on loopback: no request is lost.

What a cluster does is played here with real processes: a new pod is started and joins when it is ready; the
old one leaves the balancer, `preStop` passes, SIGTERM, and it has the grace period for what it has accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LinearRegression

import scaffold

REQUESTS = 20_000
WORKERS = 16
BODY = b'{"data": [2.0]}'
REQUEST = (
    b"POST /score HTTP/1.1\r\nHost: line\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


@dataclass
class Traffic:
    """The endpoints of the load balancer, and the responses."""

    endpoints: list[int] = field(default_factory=list)
    left: int = REQUESTS
    answers: dict[float, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def service(factor: float, root: Path) -> Path:
    sample = np.array([[1.0], [2.5]])
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, factor])
    scaffold.new(model, sample, model.predict(sample), root, name="line", verify=False)
    return root


@contextlib.contextmanager
def pod(root: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Yield a ready service and its port; end it with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"PORT": str(port), "BIND_HOST": "127.0.0.1", "SHUTDOWN_S": "20", "LOG_LEVEL": "error"}
    process = subprocess.Popen(
        [sys.executable, "-m", "app"], cwd=root, env=os.environ | settings, stderr=subprocess.DEVNULL
    )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


async def ready(port: int) -> None:
    """The readiness probe."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            answer = await ask(port, b"GET /readyz HTTP/1.1\r\nHost: line\r\nConnection: close\r\n\r\n")
            if b" 200 " in answer.split(b"\r\n")[0]:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the service did not become ready")


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def load(traffic: Traffic) -> None:
    """One client, with a new connection to one of the current endpoints for each request."""
    while traffic.left:
        traffic.left -= 1
        port = traffic.endpoints[traffic.left % len(traffic.endpoints)]
        try:
            head, _, body = (await ask(port, REQUEST)).partition(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n")[0]:
                raise ValueError((head + body).decode())
            value = round(json.loads(body)["prediction"], 6)
            traffic.answers[value] = traffic.answers.get(value, 0) + 1
        except Exception as error:
            traffic.failures.append(repr(error))


async def update(traffic: Traffic, roots: list[Path], drain_s: float, grace_s: float) -> int:
    """Change to the next model and back as long as there is load; return how often."""
    with contextlib.ExitStack() as stack:
        process, port = stack.enter_context(pod(roots[0]))
        await ready(port)
        traffic.endpoints = [port]
        clients = [asyncio.create_task(load(traffic)) for _ in range(WORKERS)]
        updates = 0
        while traffic.left or updates < 2:
            updates += 1
            old, (process, port) = process, stack.enter_context(pod(roots[updates % 2]))
            await ready(port)
            traffic.endpoints = [port]
            await asyncio.sleep(drain_s)
            old.send_signal(signal.SIGTERM)
            ended = await asyncio.to_thread(old.wait, grace_s - drain_s)
            assert ended in (0, -signal.SIGTERM)
        await asyncio.gather(*clients)
    return updates


@pytest.mark.slow
def test_no_request_is_lost_while_the_model_changes(tmp_path: Path) -> None:
    roots = [service(2.0, tmp_path / "first"), service(3.0, tmp_path / "second")]
    deployment = yaml.safe_load((roots[0] / "deploy/base/deployment.yaml").read_text())
    pod_spec = deployment["spec"]["template"]["spec"]
    drain_s = pod_spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    traffic = Traffic()
    updates = asyncio.run(update(traffic, roots, drain_s, pod_spec["terminationGracePeriodSeconds"]))
    assert updates >= 2
    assert traffic.failures == []
    assert sum(traffic.answers.values()) == REQUESTS
    assert set(traffic.answers) == {4.0, 6.0}, "both models answered while they changed"
