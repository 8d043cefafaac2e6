"""Startup: load the model, score one record, then tell the readiness probe."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute

from app.serving import logs, metrics
from app.serving.batching import MAX_HANGING, Batcher
from app.serving.docs import add_docs
from app.serving.errors import add_handlers
from app.serving.middleware import RequestMiddleware
from app.serving.settings import ServingSettings


class Serving:
    """The parts of one service, at `app.state.serving`."""

    def __init__(
        self,
        batcher: Batcher[Any, Any],
        settings: ServingSettings,
        load: Callable[[], None],
        example: Any,
    ) -> None:
        self.batcher, self.example = batcher, example
        self._settings, self._load = settings, load
        self.ready = self._loaded = False

    def load_model(self) -> None:
        """Load the model, once. A failure ends the process with one line."""
        if self._loaded:
            return
        logs.log_warnings(self._settings)
        try:
            self._load()
        except (Exception, SystemExit) as error:
            raise SystemExit(_one_line("The model cannot be loaded", error)) from error
        self._loaded = True
        freeze_objects()

    async def warm_up(self) -> None:
        """Score the example: the first call of a model is the slowest, and shows a broken one."""
        try:
            await self.batcher.score([self.example])
        except Exception as error:
            cause = error.__cause__ or error
            message = _one_line("The model cannot score EXAMPLE of schemas.py", cause)
            raise SystemExit(message) from error
        freeze_objects()


def install(
    app: FastAPI,
    batcher: Batcher[Any, Any],
    settings: ServingSettings,
    *,
    load: Callable[[], None],
    example: Any,
    model_sha256: str = "",
) -> None:
    """Add to `app` what a production service needs. Routes come after it.

    Args:
        app: An app that was made with `lifespan=lifespan`.
        batcher: Scores the records of all requests.
        settings: Limits and switches.
        load: Loads the model; called once, before the first request.
        example: A record to score at the start; None for no such warm-up.
        model_sha256: Hash of the model file, for the metric `model_info`.
    """
    if any(isinstance(route, APIRoute) for route in app.routes):
        raise RuntimeError("install(app, ...) must come before the routes of the app.")
    logs.set_up(settings, "app")
    metrics.info.labels(app.title, app.version, model_sha256).set(1)
    app.state.serving = serving = Serving(batcher, settings, load, example)
    app.add_middleware(RequestMiddleware, settings=settings, batcher=batcher)
    add_handlers(app)
    _add_probes(app, serving)
    if settings.metrics and not settings.metrics_port:
        app.add_api_route("/metrics", _show_metrics, include_in_schema=False)
    if settings.docs:
        add_docs(app, with_key=bool(settings.api_key_hashes))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the startup before the first request, and turn readiness off after the last one."""
    serving: Serving = app.state.serving
    serving.load_model()
    if serving.example is not None:
        await serving.warm_up()
    serving.ready = True
    yield
    serving.ready = False


def _add_probes(app: FastAPI, serving: Serving) -> None:
    @app.get("/healthz", tags=["probes"])
    async def healthz(response: Response) -> dict[str, str]:
        """Liveness: 503 if predictions hang, so that the process is restarted."""
        broken = serving.batcher.hanging >= MAX_HANGING
        response.status_code = 503 if broken else 200
        return {"status": "broken" if broken else "ok"}

    @app.get("/readyz", tags=["probes"])
    async def readyz(response: Response) -> dict[str, str]:
        """Readiness: 503 before the model has scored a record, and during the shutdown."""
        hanging = serving.batcher.hanging >= MAX_HANGING
        ready = serving.ready and not RequestMiddleware.draining and not hanging
        response.status_code = 200 if ready else 503
        return {"status": "ready" if ready else "not ready"}


async def _show_metrics() -> Response:
    return Response(metrics.as_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def freeze_objects() -> None:
    """Exclude all objects in memory from garbage collection.

    Imports leave hundreds of thousands of objects that stay. Each full collection would take 50 ms,
    and would copy memory that worker processes share.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def _one_line(what: str, error: BaseException) -> str:
    return f"{what}: {type(error).__name__}: {' '.join(str(error).split())}"
