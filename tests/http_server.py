"""An HTTP server that runs inside the test process."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that may wait to be accepted. The default of 5 is fewer than the clients of a proof:
    a busy machine then resets the connections of the others."""


@contextlib.contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """Serve during the block, and yield the port.

    Args:
        handler: Called for each connection, as the standard library does.
        host: The address to listen on.
        port: The port to listen on. 0 takes a free one.
        tls: Serve over TLS with this context.
    """
    server = _Server((host, port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
