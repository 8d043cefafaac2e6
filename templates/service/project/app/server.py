"""Runs the service: uvicorn with our settings, a way out that drops nobody, and worker processes if asked for."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from types import FrameType

import uvicorn

from app import logs
from app.settings import settings

READ_S = 0.2  # for requests that had been sent when the port was closed


def serve() -> None:
    """Serve until a signal says otherwise."""
    logs.set_up()
    if settings.workers > 1:
        os.environ.setdefault(
            "PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp()
        )  # before the numbers are made
    # After the lines above: these import the model's libraries.
    from app import metrics
    from app.main import load

    load()
    if settings.metrics_port:
        from prometheus_client import start_http_server

        start_http_server(settings.metrics_port, settings.bind_host, metrics.registry())
    config = uvicorn.Config(
        "app.main:app",
        host=settings.bind_host,
        port=settings.port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_keep_alive=75,  # longer than the load balancers in front of it, which close after 60 s
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    if settings.workers == 1:
        sys.exit(_run(config, None))
    sys.exit(_supervise(config))


class _Server(uvicorn.Server):
    """A server that on SIGTERM answers whoever has sent a request, or still does so before the port closes."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        from app.gate import Gate

        Gate.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._captured_signals[:1] == [signal.SIGTERM]:
            await asyncio.sleep(settings.drain_s)
        for server in self.servers:
            server.close()
        await asyncio.sleep(READ_S)
        await super().shutdown(sockets)


def _run(config: uvicorn.Config, listener: socket.socket | None) -> int:
    server = _Server(config)
    server.run([listener] if listener else None)
    return 0 if server.started else 3


def _supervise(config: uvicorn.Config) -> int:
    """Fork the workers, which share the model's memory; start another where one ends; end with the signal."""
    listener = config.bind_socket()
    workers: set[int] = set()
    stopping = False

    def stop(sig: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for worker in workers:
            os.kill(worker, sig)

    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, stop)
    while workers or not stopping:
        while len(workers) < settings.workers and not stopping:
            worker = os.fork()
            if not worker:
                for sig in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(sig, signal.SIG_DFL)
                os._exit(_run(config, listener))
            workers.add(worker)
        ended, status = os.wait()
        workers.discard(ended)
        if not stopping and os.waitstatus_to_exitcode(status) == 3:
            stop(signal.SIGTERM, None)
    return 0
