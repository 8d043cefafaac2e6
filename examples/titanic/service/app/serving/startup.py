"""Startup: load the model, score one record, then tell the readiness probe."""

import gc
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, get_type_hints

from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from app.serving import logs, metrics
from app.serving.batching import Batcher
from app.serving.docs import add_docs
from app.serving.errors import add_handlers
from app.serving.middleware import BodyMiddleware, RequestMiddleware
from app.serving.settings import ServingSettings


@dataclass
class Serving:
    """The parts of one service, at `app.state.serving`."""

    batcher: Batcher[Any, Any]
    settings: ServingSettings
    load: Callable[[], None]
    example: Any
    loaded: bool = False
    ready: bool = False

    def load_model(self) -> None:
        """Load the model, once. A failure ends the process with one line."""
        if self.loaded:
            return
        logs.log_warnings(self.settings)
        try:
            self.load()
        except (Exception, SystemExit) as error:
            raise _failed("The model cannot be loaded", error) from error
        self.loaded = True
        freeze_objects()

    async def warm_up(self) -> None:
        """Score the example: the first call of a model is the slowest, and shows a broken one."""
        try:
            answers = await self.batcher.score([self.example])
            _require_answers(answers, self.batcher.run)
        except Exception as error:
            what = "The model cannot score EXAMPLE of schemas.py"
            raise _failed(what, error.__cause__ or error) from error
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
    app.state.serving = Serving(batcher, settings, load, example)
    app.add_middleware(BodyMiddleware, settings=settings)
    app.add_middleware(RequestMiddleware, settings=settings, batcher=batcher)
    if settings.cors_origins:  # around the API keys, which a preflight request does not have
        app.add_middleware(CORSMiddleware, **settings.cors_options)
    add_handlers(app)
    _add_probes(app, app.state.serving)
    if settings.metrics and not settings.metrics_port:
        app.add_api_route(
            "/metrics", metrics.show, methods=["GET", "HEAD"], include_in_schema=False
        )
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
    """Add the probes, outside of `FastAPI(dependencies=...)`: a probe has no token."""

    async def healthz(response: Response) -> dict[str, str]:
        """Liveness: 503 if predictions hang, so that the process is restarted."""
        response.status_code = 503 if serving.batcher.broken else 200
        return {"status": "broken" if serving.batcher.broken else "ok"}

    async def readyz(response: Response) -> dict[str, str]:
        """Readiness: 503 before the model has scored a record, and during the shutdown."""
        off = RequestMiddleware.draining or serving.batcher.broken or not serving.ready
        response.status_code = 503 if off else 200
        return {"status": "not ready" if off else "ready"}

    for path, probe in (("/healthz", healthz), ("/readyz", readyz)):
        app.routes.append(APIRoute(path, probe, methods=["GET"], tags=["probes"]))
        app.routes.append(APIRoute(path, probe, methods=["HEAD"], include_in_schema=False))


def freeze_objects() -> None:
    """Exclude all objects in memory from garbage collection.

    Imports leave hundreds of thousands of objects that stay. Each full collection would take 50 ms,
    and would copy memory that worker processes share.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def _require_answers(answers: list[Any], run: Callable[..., Any]) -> None:
    """Check answers against the annotation of `run`: others would be a 500 at each request.

    Raises:
        TypeError: The answers are of another type.
    """
    hint = get_type_hints(run).get("return", Any) if inspect.isroutine(run) else Any
    try:
        TypeAdapter(hint).validate_python(answers, from_attributes=True)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise TypeError(f"run does not return {hint}: {place}: {fault['msg']}") from None


def _failed(what: str, error: BaseException) -> SystemExit:
    return SystemExit(f"{what}: {type(error).__name__}: {' '.join(str(error).split())}")
