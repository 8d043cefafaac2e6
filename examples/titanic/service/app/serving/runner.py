"""`python -m app`: uvicorn with the settings, a graceful shutdown, and worker processes."""

import asyncio
import gc
import logging
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
STABLE_S = 60  # a worker that lived longer does not crash in a loop
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

    def run(listener: socket.socket) -> None:
        server, status = _Server(config, settings), FAILED
        try:
            server.run([listener])
            status = 0 if server.started else FAILED
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            if serving.batcher.busy:  # Python would wait for the thread
                os._exit(status)
        sys.exit(status)

    for sig in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again at its end
        signal.signal(sig, lambda *_: sys.exit(0))
    with config.bind_socket() as listener:  # with BIND_HOST=:: it takes connections over IPv4 too
        if settings.workers == 1:
            run(listener)
        else:
            _supervise(run, listener, settings.workers)


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
        for _ in range(3):  # take the connections that came during the last call of the model
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        await asyncio.sleep(READ_S)
        await super().shutdown(sockets)


def _supervise(run: Callable[..., None], listener: socket.socket, count: int) -> None:
    """Fork the worker processes, and replace those that die."""
    workers: dict[multiprocessing.process.BaseProcess, float] = {}
    pause_s = 0.5
    try:
        while True:
            for worker in [each for each in workers if not each.is_alive()]:
                lived_s = time.monotonic() - workers.pop(worker)
                metrics.forget_worker(worker.pid or 0)
                if worker.exitcode == FAILED:
                    sys.exit(FAILED)
                # Backoff: of workers that crash one after the other, each is replaced later.
                pause_s = 1 if lived_s > STABLE_S else min(2 * pause_s, STABLE_S)
                _log_end(worker, lived_s, pause_s)
                time.sleep(pause_s)
            while len(workers) < count:
                worker = multiprocessing.get_context("fork").Process(target=run, args=(listener,))
                worker.start()
                workers[worker] = time.monotonic()
            connection.wait([worker.sentinel for worker in workers])
    finally:
        listener.close()  # or the kernel would take connections that no worker takes
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def _log_end(worker: multiprocessing.process.BaseProcess, lived_s: float, pause_s: float) -> None:
    """Log how a worker ended that was not told to end."""
    status = worker.exitcode or 0
    names = {one.value: one.name for one in signal.Signals}
    cause = names.get(-status, f"signal {-status}") if status < 0 else f"exit status {status}"
    if status == -signal.SIGKILL:
        cause += ", as the kernel does when memory runs out"
    facts = {"worker.pid": worker.pid, "worker.lived_s": round(lived_s, 1)}
    message = "A worker ended (%s). Another one starts in %g s."
    logging.getLogger("app.runner").error(message, cause, pause_s, extra=facts)
