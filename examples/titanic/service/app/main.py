"""The service: `python -m app`, or `uvicorn app.main:app`."""

import functools
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Response
from pydantic import Field

from app import metrics, score
from app.batching import MAX_HANGING, Batcher
from app.docs import add_docs
from app.errors import RESPONSES, add_handlers
from app.example import make_record
from app.gate import Gate
from app.json_route import JSONRoute
from app.logs import log_warnings
from app.schemas import ModelInput, ModelOutput
from app.settings import MODEL_VERSION, NAME, OPENTELEMETRY, settings

log = logging.getLogger("app")

batcher = Batcher()


@functools.cache
def load() -> None:
    """Load the model, once; the process ends with one line if that fails."""
    log_warnings()
    try:
        score.init()
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise SystemExit(f"The model cannot be loaded: {type(error).__name__}: {said}") from error
    keep_what_is_here()


def keep_what_is_here() -> None:
    """Let the garbage collector overlook all that is in memory now.

    Hundreds of thousands of objects came with the imports, to stay. To look at them takes 50 ms
    each time, and would copy the memory that workers share.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What happens before the first request and after the last."""
    load()
    try:
        # The first prediction takes longer than any other: nobody should have to wait for it.
        await batcher.predict([make_record(ModelInput)])
    except Exception as error:  # the record is made up, the model may well refuse it
        log.warning("no warm-up: the model refused a made-up record", exc_info=error)
    keep_what_is_here()
    app.state.ready = True
    yield
    app.state.ready = False


app = FastAPI(
    title=NAME,
    version=MODEL_VERSION,
    lifespan=lifespan,
    root_path=settings.root_path,
    openapi_url="/openapi.json" if settings.docs else None,
    docs_url=None,
    redoc_url=None,
    telemetry={
        "tracing": OPENTELEMETRY,
        "metrics": OPENTELEMETRY,
        "logs": OPENTELEMETRY,
        "auto_configure": OPENTELEMETRY,
    },
)
app.state.ready = False
app.router.route_class = JSONRoute
app.router.redirect_slashes = False
app.add_middleware(Gate, overloaded=lambda: batcher.full)
add_handlers(app)


@app.post("/score", responses=RESPONSES)
async def score_one(record: ModelInput) -> ModelOutput:
    """Score one record."""
    # Requests that wait together are predicted together: see batching.py.
    [answer] = await batcher.predict([record])
    # Shape the answer here: labels for codes, a threshold, more fields.
    return answer


@app.post("/score/batch", responses=RESPONSES)
async def score_batch(
    records: Annotated[list[ModelInput], Field(max_length=settings.max_records)],
) -> list[ModelOutput]:
    """Score many records; the answers come in the same order."""
    return await batcher.predict(records)


@app.get("/healthz", tags=["probes"])
async def healthz(response: Response) -> dict[str, str]:
    """Whether the process lives. It says 503 when predictions hang, so that it gets restarted."""
    broken = batcher.hanging >= MAX_HANGING
    response.status_code = 503 if broken else 200
    return {"status": "broken" if broken else "ok"}


@app.get("/readyz", tags=["probes"])
async def readyz(response: Response) -> dict[str, str]:
    """Whether to send requests here: not before the model has predicted, nor on the way out."""
    ready = app.state.ready and not Gate.draining and batcher.hanging < MAX_HANGING
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready"}


if settings.metrics and not settings.metrics_port:

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        """The numbers for Prometheus."""
        return Response(metrics.as_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


if settings.docs:
    add_docs(app)
