"""Error responses: one JSON object with `detail`, never a traceback and never an input value."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.routing import compile_path

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
        of_body = any("body" in fault.get("loc", ())[:1] for fault in error.errors())
        if of_body and (detail := media_fault_of(request)):
            return problem(415, detail)
        # FastAPI's own handler repeats the input, which may be private or, like NaN, not JSON.
        faults = [
            {key: fault[key] for key in ("type", "loc", "msg") if key in fault}
            for fault in error.errors()
        ]
        return problem(422, faults)

    @app.exception_handler(StarletteHTTPException)
    async def refused(request: Request, error: StarletteHTTPException) -> Response:
        match error.status_code:
            case 400 if error.detail == NOT_READ:
                if detail := media_fault_of(request):
                    return problem(415, detail)
                fault = {"type": "json_invalid", "loc": ["body"], "msg": "Invalid JSON"}
                return problem(422, [fault])
            case 405:
                headers = {**(error.headers or {}), "Allow": _methods_at(request, error)}
                if request.method == "OPTIONS":
                    return Response(status_code=204, headers=headers)
                return problem(405, error.detail, headers)
            case 413 if error.detail == TOO_LARGE:
                limit = request.scope.get(MAX_BODY_SIZE_SCOPE_KEY)  # of the route, or of the app
                detail = f"{TOO_LARGE}: at most {limit} bytes are accepted."
                return problem(413, detail, error.headers)
        return await http_exception_handler(request, error)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> JSONResponse:
        return problem(503, BUSY, RETRY)

    @app.exception_handler(TooSlow)
    async def too_slow(request: Request, error: TooSlow) -> JSONResponse:
        return problem(504, "The prediction took too long.")

    @app.exception_handler(ModelFault)
    async def model_fault(request: Request, error: ModelFault) -> JSONResponse:
        log.error("the model failed", exc_info=error.__cause__, extra={"record": error.index})
        return problem(500, f"The model failed on the record at index {error.index}.")


def _methods_at(request: Request, error: StarletteHTTPException) -> str:
    """The methods of all routes at a path; Starlette names those of one."""
    path = get_route_path(request.scope)
    methods = {*re.findall(r"\w+", (error.headers or {}).get("Allow", ""))}
    for route in iter_route_contexts(request.app.routes):
        if route.methods and compile_path(route.path or "")[0].match(path):
            methods |= route.methods
    return ", ".join([*sorted(methods - {"OPTIONS"}), "OPTIONS"])
