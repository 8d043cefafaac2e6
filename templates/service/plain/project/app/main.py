"""The score service: two routes, two probes."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import Field, TypeAdapter, WrapValidator
from pydantic_core import to_json
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from app import score
from app.schemas import EXAMPLE, ModelInput, ModelOutput
from app.serving.auth import require_key
from app.serving.batching import Batcher
from app.settings import MODEL_VERSION, NAME, settings


def from_json(wanted: Any) -> WrapValidator:
    """Validate JSON: in Python objects, which FastAPI has, strict models refuse text as a date."""
    adapter = TypeAdapter(wanted)
    return WrapValidator(lambda value, _: adapter.validate_json(to_json(value)))


Records = Annotated[list[ModelInput], Field(max_length=settings.max_records)]
batcher = Batcher(score.run, batched=score.BATCHED)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model and score one record, before the port is open."""
    score.load()
    if EXAMPLE is not None:
        score.run([EXAMPLE])
    gc.freeze()  # what was imported stays: the garbage collector need not look at it
    yield


app = FastAPI(
    title=NAME,
    version=MODEL_VERSION,
    lifespan=lifespan,
    root_path=settings.root_path,
    openapi_url="/openapi.json" if settings.docs else None,
    dependencies=[Depends(require_key)] if settings.api_key_hashes else None,
    telemetry={"auto_configure": settings.opentelemetry},
)
app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
if settings.metrics:
    instrumentator = Instrumentator(should_group_status_codes=False)
    instrumentator.instrument(app).expose(app, include_in_schema=False)


@app.post("/score")
async def score_one(record: Annotated[ModelInput, from_json(ModelInput)]) -> ModelOutput:
    """Score one record."""
    # Records of concurrent requests are scored in one call of the model: see serving/batching.py.
    [answer] = await batcher.score([record])
    return answer


@app.post("/score/batch")
async def score_batch(records: Annotated[Records, from_json(Records)]) -> list[ModelOutput]:
    """Score many records. The answers are in the order of the records."""
    return await batcher.score(records)


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the faults without the input, which FastAPI's own handler repeats: it may be private."""
    if isinstance(error.body, bytes):  # FastAPI parses only what the headers call JSON
        return JSONResponse({"detail": "Send 'Content-Type: application/json'."}, 415)
    faults = [{key: fault[key] for key in ("type", "loc", "msg")} for fault in error.errors()]
    return JSONResponse({"detail": faults}, 422)


@app.head("/healthz", include_in_schema=False)
@app.get("/healthz", tags=["probes"])
async def healthz(response: Response) -> dict[str, str]:
    """Liveness: 503 if a prediction hangs, so that the process is restarted."""
    response.status_code = 503 if batcher.hanging else 200
    return {"status": "broken" if batcher.hanging else "ok"}


@app.head("/readyz", include_in_schema=False)
@app.get("/readyz", tags=["probes"])
async def readyz() -> dict[str, str]:
    """Readiness: the port is open once the model has scored a record."""
    return {"status": "ready"}
