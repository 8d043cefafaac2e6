"""What every request passes: request id, API key, load shedding, metrics and response headers."""

import itertools
import logging
import secrets
from collections.abc import Awaitable
from re import Pattern
from time import perf_counter
from typing import Any

from fastapi import HTTPException
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path, is_async_callable
from starlette.concurrency import run_in_threadpool
from starlette.middleware.body_limit import (
    MAX_BODY_SIZE_SCOPE_KEY,
    RequestBodyLimitResponder,
)
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.serving import metrics
from app.serving.auth import KeyCheck
from app.serving.batching import Batcher
from app.serving.errors import BUSY, RETRY, failed, problem
from app.serving.fast_routes import FastRoute, speed_up
from app.serving.logs import request_context
from app.serving.settings import ServingSettings
from app.serving.strict_json import first_headers, make_strict, received, takes_json

log = logging.getLogger("app.requests")

CLIENT_GONE = 499  # as nginx logs a client that closed its connection
ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=")
ID_BYTES = 128
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
]


class RequestMiddleware:
    """ASGI middleware around all routes of the app."""

    draining = False  # graceful shutdown: responses ask clients to close their connection

    def __init__(self, app: ASGIApp, settings: ServingSettings, batcher: Batcher[Any, Any]) -> None:
        self.app, self._settings, self._batcher = app, settings, batcher
        self._keys = KeyCheck(settings)
        self._headers = [*SECURITY_HEADERS]
        if settings.tls_cert:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))
        self._prefix, self._numbers = secrets.token_hex(8), itertools.count(1)
        self._routes, self._paths = 0, dict[str, Pattern[str]]()
        # Requests to score, in a batch or on their way: more than that would only wait.
        self._scoring, self._most_scoring = 0, settings.max_waiting + settings.max_batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, _in_one_line(send))
            return
        if len(routes := scope["app"].routes) != self._routes:
            self._routes = len(routes)
            paths = {each.path or "" for each in iter_route_contexts(routes)}
            self._paths = {path: compile_path(path)[0] for path in sorted(paths)}
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        headers = dict(scope["headers"])
        began, status = perf_counter(), 0
        method: str = scope["method"]
        request_id = _valid_id(headers, b"x-request-id") or self._next_id()
        trace = _valid_id(headers, b"traceparent")
        request_context.set((request_id, trace))

        def respond(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [*message.get("headers", ()), (b"x-request-id", request_id)]
                names = {name for name, _ in more}  # what an endpoint has set stays
                more += [header for header in self._headers if header[0] not in names]
                if trace:
                    more.append((b"traceparent", trace))
                if RequestMiddleware.draining:
                    more.append((b"connection", b"close"))
                message["headers"] = more
            return send(message)

        metrics.in_flight.inc()
        is_scoring = method == "POST"
        self._scoring += is_scoring
        try:
            self._keys.require(scope["path"], headers)
            if is_scoring and (self._batcher.room <= 0 or self._scoring > self._most_scoring):
                raise HTTPException(503, BUSY, RETRY)
            await self.app(scope, receive, respond)
        except HTTPException as refused:
            response = problem(refused.status_code, refused.detail, refused.headers)
            await response(scope, receive, respond)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except Exception as error:
            log.error("not handled", exc_info=error)
            if status:  # the response has begun: it can only be cut off
                raise
            handlers = scope["app"].exception_handlers
            handler = handlers.get(500) or handlers.get(Exception, failed)
            request = Request(scope)
            if is_async_callable(handler):
                answer = await handler(request, error)
            else:
                answer = await run_in_threadpool(handler, request, error)
            await answer(scope, receive, respond)
        finally:
            self._scoring -= is_scoring
            metrics.in_flight.dec()
            took_s = perf_counter() - began
            metrics.count_request(self._route(scope), status or 500, took_s)
            if self._settings.access_log:
                facts = {"method": method, "path": scope["path"], "status": status or 500}
                log.info("request", extra=facts | {"ms": round(1e3 * took_s, 3)})

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a WebSocket with a valid API key pass; without one it is closed, which is a 403."""
        try:
            self._keys.require(scope["path"], dict(scope["headers"]))
        except HTTPException:
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)

    def _route(self, scope: Scope) -> str:
        path = get_route_path(scope)
        if path in self._paths:
            return path
        if not (route := scope.get("route")):
            return "other"
        # The path of a route lacks the prefixes of the routers that include it.
        names = (name for name, pattern in self._paths.items() if pattern.match(path))
        return next(names, getattr(route, "path", "other"))

    def _next_id(self) -> bytes:
        return f"{self._prefix}-{next(self._numbers)}".encode()


class BodyMiddleware:
    """ASGI middleware for the bodies of all routes: their size is limited, and JSON is strict."""

    def __init__(self, app: ASGIApp, settings: ServingSettings) -> None:
        self.app, self._settings, self._routes = app, settings, 0
        self._fast_routes: dict[tuple[str, str], FastRoute] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A lifespan may add routes, and so may code that runs later.
        if len(routes := scope["app"].routes) != self._routes:
            self._routes = len(routes)
            make_strict(routes)
            if self._settings.fast_routes:
                self._fast_routes = speed_up(scope["app"])
        headers = first_headers(scope)
        fast = self._fast_routes.get((scope["method"], get_route_path(scope)))
        if fast and self._may_be_fast(scope, headers):
            scope[MAX_BODY_SIZE_SCOPE_KEY] = self._settings.max_body_bytes
            await fast(scope, receive, send)
            return
        received.set((headers, []))
        await _LimitedRequest(self.app, self._settings.max_body_bytes)(scope, receive, send)

    def _may_be_fast(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        """Whether nothing comes between, and the head declares a size within the limit."""
        size = headers.get(b"content-length", b"")
        return (
            size.isdigit()
            and int(size) <= self._settings.max_body_bytes
            and "fastapi.telemetry" not in scope  # FastAPI's handler makes its spans
            and type(self.app) is ExceptionMiddleware  # no other middleware comes after this one
        )


class _LimitedRequest(RequestBodyLimitResponder):
    """Starlette's limit on the body, which each route may set for itself, with 413 as JSON."""

    async def receive_with_limit(self) -> Message:
        message = await super().receive_with_limit()
        if takes_json(self.scope):  # a stream or a form may be larger than the memory
            received.get()[1].append(message.get("body", b""))
        return message

    async def send_with_limit(self, message: Message) -> None:
        # Starlette would send its own text here instead of the response of errors.py.
        self.response_started = True
        await self.send(message)


def _valid_id(headers: dict[bytes, bytes], name: bytes) -> bytes:
    """Return a header that is safe in logs and responses, else nothing."""
    value = headers.get(name, b"")
    return value if len(value) <= ID_BYTES and ID_CHARACTERS.issuperset(value) else b""


def _in_one_line(send: Send) -> Send:
    """Report a failed startup by its message, without a traceback."""

    async def send_line(message: Message) -> None:
        last = message.get("message", "").strip().rpartition("\n")[2]
        if last.startswith("SystemExit: "):
            message["message"] = last.removeprefix("SystemExit: ")
        await send(message)

    return send_line
