"""A URL of a deployed service, for programs that this package starts."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffold.cluster._address import find_service
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._forward import Forward
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._manifests import read_target
from scaffold.cluster._rollout import Pace, live_deployment
from scaffold.cluster._serverless_route import find_callers

_BLOCK_BYTES = 1 << 16


@contextlib.contextmanager
def reach_target(
    root: Path, *, target: str, access: ClusterAccess | None = None, pace: Pace | None = None
) -> Iterator[str]:
    """Give a URL at which this machine reaches what runs at a target, until the block ends.

    That is the address of its callers. If it has none outside the cluster, it is a port of this machine,
    whose connections are port-forwards through the API.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        access: As for `deploy_project`.
        pace: How long to wait for the address.

    Raises:
        NotDeployedError: Nothing runs there.
        DeployError: Its Service leads nowhere, or does not answer.
    """
    with api_errors():
        resolved_target = read_target(root, target)
        cluster = connect(access)
        live = live_deployment(cluster, resolved_target)
        if resolved_target.platform:
            client = find_callers(cluster, resolved_target, live, pace or Pace())
        else:
            client = find_service(cluster, resolved_target, pace or Pace())
    with contextlib.closing(client):
        if isinstance(client, Forward):
            with _tunnel(client) as url:
                yield url
        else:
            yield client.url


@contextlib.contextmanager
def _tunnel(forward: Forward) -> Iterator[str]:
    """Give the URL of a port of this machine, each connection to which is a port-forward."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), contextlib.closing(forward.another().connect()) as connection:
                _join(self.request, connection.sock)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{urlsplit(forward.url).path}"
    finally:
        server.shutdown()
        server.server_close()


def _join(near: socket.socket, far: Any) -> None:
    """Pass bytes between two sockets until one of them is closed."""
    other = {near: far, far: near}
    while True:
        for ready in select.select([near, far], [], [])[0]:
            block = ready.recv(_BLOCK_BYTES)
            if not block:
                return
            other[ready].sendall(block)
