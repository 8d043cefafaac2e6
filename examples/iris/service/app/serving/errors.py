"""Error responses: one JSON object with `detail`, never a traceback and never an input value."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY

from app.serving.logs import request_context
from app.serving.strict_json import media_fault_of

log = logging.getLogger("app.errors")

BUSY = "Too many requests are waiting. Try again later."
RETRY = {"Retry-After": "1"}
NOT_READ = "There was an error parsing the body"  # FastAPI's detail, for JSON too deep or binary
TOO_LARGE = "Content Too Large"  # Starlette's detail


class Overloaded(Exception):
    """Too many records wait for the model."""


class TooSlow(Exception):
    """A record waited too long, or its prediction took too long."""


class ModelFault(Exception):
    """The model raised an exception, the cause of this one, on the record at `index`."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Problem(BaseModel):
    """The body of an error response."""

    detail: str
    # Only with 500: the request id of the log line that has the exception.
    id: str | None = None


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No valid API key"},
    408: {"model": Problem, "description": "The body did not arrive in time"},
    413: {"model": Problem, "description": "The body is too large"},
    415: {"model": Problem, "description": "The media type is not JSON"},
    500: {"model": Problem, "description": "The model failed"},
    503: {
        "model": Problem,
        "description": "Overloaded",
        "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    },
    504: {"model": Problem, "description": "The prediction took too long"},
}


def problem(status: int, detail: Any, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error response; with 500 it has the request id to search the log for."""
    content = {"detail": detail}
    if status == 500:
        content["id"] = request_context.get()[0].decode("latin-1")
    return JSONResponse(content, status, headers)


async def failed(request: Request, error: Exception) -> JSONResponse:
    """Answer 500, unless the app has a handler of its own for `Exception` or 500."""
    return problem(500, "The service failed.")


def add_handlers(app: FastAPI) -> None:
    """Add the exception handlers."""
    app.exception_handlers.setdefault(Exception, failed)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        of_body = any(fault["loc"][0] == "body" for fault in error.errors())
        if of_body and (detail := media_fault_of(request)):
            return problem(415, detail)
        # FastAPI's own handler repeats the input, which may be private or, like NaN, not JSON.
        faults = [{key: fault[key] for key in ("type", "loc", "msg")} for fault in error.errors()]
        return problem(422, faults)

    @app.exception_handler(400)
    async def bad_request(request: Request, error: HTTPException) -> JSONResponse:
        if error.detail != NOT_READ:
            return problem(400, error.detail, error.headers)
        if detail := media_fault_of(request):
            return problem(415, detail)
        return problem(422, [{"type": "json_invalid", "loc": ["body"], "msg": "Invalid JSON"}])

    @app.exception_handler(405)
    async def method_not_allowed(request: Request, error: HTTPException) -> Response:
        methods = re.findall(r"\w+", (error.headers or {}).get("Allow", ""))
        methods += [*["HEAD"] * ("GET" in methods), "OPTIONS"]
        allow = {"Allow": ", ".join(dict.fromkeys(methods))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        return problem(405, error.detail, allow)

    @app.exception_handler(413)
    async def too_large(request: Request, error: HTTPException) -> JSONResponse:
        limit = request.scope.get(MAX_BODY_SIZE_SCOPE_KEY)  # of the route, or of the app
        more = f": at most {limit} bytes are accepted." if error.detail == TOO_LARGE else ""
        return problem(413, f"{error.detail}{more}", error.headers)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> JSONResponse:
        return problem(503, BUSY, RETRY)

    @app.exception_handler(TooSlow)
    async def too_slow(request: Request, error: TooSlow) -> JSONResponse:
        return problem(504, "The prediction took too long.")

    @app.exception_handler(ModelFault)
    async def model_fault(request: Request, error: ModelFault) -> JSONResponse:
        facts = {"record": error.index}
        log.error("the model failed", exc_info=error.__cause__, extra=facts)
        return problem(500, f"The model failed on the record at index {error.index}.")
