"""`python -m app`: uvicorn with the settings, a graceful shutdown, and worker processes."""

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from importlib import import_module
from multiprocessing import connection
from types import FrameType
from typing import Any

import uvicorn

from app.serving import logs, metrics
from app.serving.connections import IDLE_S, Connection, watch
from app.serving.middleware import RequestMiddleware
from app.serving.settings import ServingSettings
from app.serving.startup import Serving

READ_S = 0.2  # for requests that were sent before the port was closed
FAILED = 3  # exit status of a uvicorn that could not start


def serve(app: str, settings: ServingSettings) -> None:
    """Serve the app at `module:name` until a signal ends the process."""
    logs.set_up(settings, "", "uvicorn")
    # Imported objects stay. Garbage collection among them takes a seventh of the startup.
    gc.disable()  # until startup.freeze_objects
    module, _, name = app.partition(":")
    serving: Serving = getattr(import_module(module), name).state.serving
    serving.load_model()  # before the fork, so that the workers share its memory
    if settings.metrics_port:
        metrics.start_server(settings.bind_host, settings.metrics_port)
    Connection.batcher = serving.batcher
    config = uvicorn.Config(
        app,
        host=settings.bind_host,
        port=settings.port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        loop="uvloop",
        http=Connection,
        ws="none",
        proxy_headers=False,  # nothing here uses the address of the client
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )

    def run(*listeners: socket.socket) -> None:
        server, status = _Server(config, settings), FAILED
        try:
            server.run([*listeners] or None)
            status = 0 if server.started else FAILED
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            if serving.batcher.hanging:  # Python would wait for their threads
                os._exit(status)
        sys.exit(status)

    for sig in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again at its end
        signal.signal(sig, lambda *_: sys.exit(0))
    if settings.workers == 1:
        run()
    else:
        _supervise(run, config.bind_socket(), settings.workers)


class _Server(uvicorn.Server):
    """Graceful shutdown: requests that were sent before the port closed are answered."""

    def __init__(self, config: uvicorn.Config, settings: ServingSettings) -> None:
        super().__init__(config)
        self._settings, self._drain_s = settings, 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        connections: set[Any] = self.server_state.connections
        self._watch = asyncio.create_task(watch(connections, self._settings))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        RequestMiddleware.draining = True
        self._drain_s = self._settings.drain_s if sig == signal.SIGTERM else 0
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(self._drain_s)
        for server in self.servers:
            server.close()
        await asyncio.sleep(READ_S)
        await super().shutdown(sockets)


def _supervise(run: Callable[..., None], listener: socket.socket, count: int) -> None:
    """Fork the worker processes, and replace those that die."""
    fork = multiprocessing.get_context("fork")
    workers: list[multiprocessing.process.BaseProcess] = []
    try:
        while True:
            for worker in [each for each in workers if not each.is_alive()]:
                workers.remove(worker)
                metrics.forget_worker(worker.pid or 0)
                if worker.exitcode == FAILED:
                    sys.exit(FAILED)
                time.sleep(1)  # a worker that dies at once is not replaced in a tight loop
            while len(workers) < count:
                workers.append(fork.Process(target=run, args=(listener,)))
                workers[-1].start()
            connection.wait([worker.sentinel for worker in workers])
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
