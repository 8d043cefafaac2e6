"""Runs the service: uvicorn with our settings, a way out that drops nobody, and several workers."""

import asyncio
import gc
import os
import signal
import socket
import sys
import tempfile
import time
from types import FrameType

import uvicorn

from app import logs
from app.settings import settings

READ_S = 0.2  # for requests that were on their way when the port was closed
FAILED = 3  # the exit status of a service that could not start


def serve() -> None:
    """Serve until a signal says otherwise."""
    logs.set_up("", "uvicorn")
    if settings.workers > 1:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp())
    # What is imported now will stay; to look for garbage in it would be a seventh of the start.
    gc.disable()  # until main.keep_what_is_here
    # Only now: the numbers look for that variable when they are made.
    from app import metrics
    from app.main import batcher, load
    from app.protocol import IDLE_S, Protocol

    load()
    if settings.metrics_port:
        metrics.start_server(settings.bind_host, settings.metrics_port)
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
        http=Protocol,
        ws="none",
        proxy_headers=False,  # nothing here asks where a request came from
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    status = _run(config) if settings.workers == 1 else _supervise(config)
    if batcher.hanging:  # or Python would wait for their threads
        os._exit(status)
    sys.exit(status)


class _Server(uvicorn.Server):
    """On SIGTERM, answers whoever has sent a request before the port was closed."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        from app.gate import Gate

        Gate.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if signal.SIGTERM in self._captured_signals:
            await asyncio.sleep(settings.drain_s)
        self._captured_signals.clear()  # or uvicorn would send them again, and the status not be 0
        for server in self.servers:
            server.close()
        await asyncio.sleep(READ_S)
        await super().shutdown(sockets)


def _run(config: uvicorn.Config, listener: socket.socket | None = None) -> int:
    server = _Server(config)
    server.run([listener] if listener else None)
    return 0 if server.started else FAILED


def _supervise(config: uvicorn.Config) -> int:
    """Fork the workers, which share the model's memory, and replace those that die."""
    from app import metrics

    listener = config.bind_socket()
    workers: set[int] = set()
    status = 0
    stopping = False

    def stop(sig: int, _: FrameType | None = None) -> None:
        nonlocal stopping
        stopping = True
        for worker in workers:
            os.kill(worker, sig)

    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, stop)
    while workers or not stopping:
        while len(workers) < settings.workers and not stopping:
            if worker := os.fork():
                workers.add(worker)
                continue
            stopping = True  # a signal that comes before uvicorn listens for it
            workers.clear()
            os._exit(_run(config, listener))
        ended, how = os.wait()
        workers.discard(ended)
        metrics.forget_worker(ended)
        if os.waitstatus_to_exitcode(how) == FAILED and not stopping:
            status = FAILED
            stop(signal.SIGTERM)
        elif not stopping:
            time.sleep(1)  # one that dies at once should not be replaced at once, over and over
    return status
