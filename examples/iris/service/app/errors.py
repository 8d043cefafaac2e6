"""What a caller is told when there is no prediction; never a traceback, never a value."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app.logs import request_context
from app.settings import settings

log = logging.getLogger("app.errors")

BUSY = "Too many requests wait. Try again later."
TOO_LARGE = f"The body has more than {settings.max_body_bytes} bytes."


class Overloaded(Exception):
    """Too many records wait already."""


class TooSlow(Exception):
    """A record waited, or its prediction took, for too long."""


class ModelFault(Exception):
    """The model raised `error` on the record at `index` of a request."""

    def __init__(self, index: int, error: BaseException) -> None:
        super().__init__(index)
        self.index, self.error = index, error


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
        return JSONResponse({"detail": faults}, 422)

    @app.exception_handler(405)
    async def other_method(request: Request, error: HTTPException) -> Response:
        methods = (error.headers or {}).get("Allow", "").split(", ")
        allowed = {
            "Allow": ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        }
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allowed)
        return problem(405, error.detail, allowed)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> JSONResponse:
        return problem(503, BUSY, {"Retry-After": "1"})

    @app.exception_handler(TooSlow)
    async def too_slow(request: Request, error: TooSlow) -> JSONResponse:
        return problem(504, "The prediction took too long.")

    @app.exception_handler(ModelFault)
    async def model_fault(request: Request, error: ModelFault) -> JSONResponse:
        facts = {"record": error.index}
        log.error("the model failed", exc_info=error.error, extra={"facts": facts})
        return problem(500, f"The model failed on record {error.index}; the first is 0.")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that is no prediction; a fault of ours has the id to look for in the log."""
    content = {"detail": detail}
    if status == 500:
        content["id"] = request_context.get()[0].decode("latin-1")
    return JSONResponse(content, status, headers)
