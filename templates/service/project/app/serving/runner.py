"""`python -m app`: uvicorn with the settings, a graceful shutdown, and worker processes."""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from importlib import import_module
from types import FrameType

import uvicorn

from app.serving import logs, metrics
from app.serving.connections import IDLE_S, limited_protocol
from app.serving.middleware import RequestMiddleware
from app.serving.settings import ServingSettings
from app.serving.startup import Serving

READ_S = 0.2  # for requests that were sent before the port was closed
FAILED = 3  # exit status of a worker that could not start


def serve(app: str, settings: ServingSettings) -> None:
    """Serve the app at `module:name` until a signal ends the process."""
    logs.set_up(settings, "", "uvicorn")
    # What is imported here stays. To look for garbage in it takes a seventh of the startup.
    gc.disable()  # until startup.freeze_objects
    module, _, name = app.partition(":")
    serving: Serving = getattr(import_module(module), name).state.serving
    serving.load_model()  # before the fork, so that the workers share its memory
    if settings.metrics_port:
        metrics.start_server(settings.bind_host, settings.metrics_port)
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
        http=limited_protocol(serving.batcher, settings),
        ws="none",
        proxy_headers=False,  # nothing here uses the address of the client
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    run = _run if settings.workers == 1 else _supervise
    status = run(config, settings)
    if serving.batcher.hanging:  # or Python would wait for their threads
        os._exit(status)
    sys.exit(status)


class _Server(uvicorn.Server):
    """Graceful shutdown: requests that were sent before the port closed are answered."""

    drain_s: float

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        RequestMiddleware.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if signal.SIGTERM in self._captured_signals:
            await asyncio.sleep(self.drain_s)
        self._captured_signals.clear()  # or uvicorn raises them again, and the status is not 0
        for server in self.servers:
            server.close()
        await asyncio.sleep(READ_S)
        await super().shutdown(sockets)


def _run(
    config: uvicorn.Config, settings: ServingSettings, listener: socket.socket | None = None
) -> int:
    server = _Server(config)
    server.drain_s = settings.drain_s
    server.run([listener] if listener else None)
    return 0 if server.started else FAILED


def _supervise(config: uvicorn.Config, settings: ServingSettings) -> int:
    """Fork the worker processes, and replace those that die."""
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
            stopping = True  # for a signal that comes before uvicorn handles it
            workers.clear()
            os._exit(_run(config, settings, listener))
        ended, how = os.wait()
        workers.discard(ended)
        metrics.forget_worker(ended)
        if os.waitstatus_to_exitcode(how) == FAILED and not stopping:
            status = FAILED
            stop(signal.SIGTERM)
        elif not stopping:
            time.sleep(1)  # a worker that dies at once is not replaced in a tight loop
    return status
