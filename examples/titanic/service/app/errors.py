"""What a caller is told when there is no prediction; never a traceback, never a value."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.batching import ModelFault, Overloaded, TooSlow
from app.logs import request_context

log = logging.getLogger("app.errors")


class Problem(BaseModel):
    """Why there is no prediction."""

    detail: str
    # Only with 500: stands in the log beside what the model raised.
    id: str | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid API key, where the service asks for one"},
    408: {"model": Problem, "description": "The body did not arrive in time"},
    413: {"model": Problem, "description": "The body is too large"},
    415: {"model": Problem, "description": "The body is not JSON by its media type"},
    500: {"model": Problem, "description": "The model failed"},
    503: {
        "model": Problem,
        "description": "Too many requests wait",
        "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    },
    504: {"model": Problem, "description": "The prediction took too long"},
}


def add_handlers(app: FastAPI) -> None:
    """Make the answer to each thing that can go wrong."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI's own repeats the input: values would leak, and NaN is no JSON.
        faults = [{key: fault[key] for key in ("type", "loc", "msg")} for fault in error.errors()]
        return JSONResponse({"detail": jsonable_encoder(faults)}, 422)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> JSONResponse:
        return JSONResponse(
            {"detail": "Too many requests wait. Try again later."}, 503, {"Retry-After": "1"}
        )

    @app.exception_handler(TooSlow)
    async def too_slow(request: Request, error: TooSlow) -> JSONResponse:
        return JSONResponse({"detail": "The prediction took too long."}, 504)

    @app.exception_handler(ModelFault)
    async def model_fault(request: Request, error: ModelFault) -> JSONResponse:
        log.error(
            "the model failed", exc_info=error.error, extra={"facts": {"record": error.index}}
        )
        return failed(f"The model failed on record {error.index}; the first is 0.")


def failed(detail: str) -> JSONResponse:
    """The answer to a fault of ours, with the id to look for in the log."""
    return JSONResponse({"detail": detail, "id": request_context.get()[0].decode("latin-1")}, 500)
