"""What every request passes on its way in and out: id, API key, load, numbers and headers."""

import hashlib
import hmac
import itertools
import logging
import secrets
from collections.abc import Callable
from time import perf_counter

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.errors import BUSY, TOO_LARGE, problem
from app.logs import request_context
from app.settings import settings

log = logging.getLogger("app.requests")

PROBES = {"/healthz", "/readyz"}
KEY_HASHES = [part.strip() for part in settings.api_key_hashes.split(",") if part.strip()]
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
]
if settings.tls_cert:
    SECURITY_HEADERS.append((b"strict-transport-security", b"max-age=31536000"))
ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=")


class Gate:
    """ASGI middleware; `overloaded` says whether a request would only be turned away later."""

    draining = False  # on the way out: answers ask for the connection to be closed

    def __init__(self, app: ASGIApp, overloaded: Callable[[], bool]) -> None:
        self.app, self._overloaded = app, overloaded
        self._prefix, self._numbers = secrets.token_hex(8), itertools.count(1)
        self._paths: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, _in_one_line(send))
            return
        began, status = perf_counter(), 0
        if scope["method"] == "HEAD":  # as GET; the server leaves the body out
            scope = {**scope, "method": "GET"}
        headers = dict(scope["headers"])
        request_id = _harmless(headers, b"x-request-id") or self._next_id()
        trace = _harmless(headers, b"traceparent")
        request_context.set((request_id, trace))

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [*message.get("headers", ()), *SECURITY_HEADERS]
                more.append((b"x-request-id", request_id))
                if trace:
                    more.append((b"traceparent", trace))
                if Gate.draining:
                    more.append((b"connection", b"close"))
                message["headers"] = more
            await send(message)

        metrics.in_flight.inc()
        try:
            self._admit(scope, headers)
            await self.app(scope, receive, answer)
        except HTTPException as refused:
            response = problem(refused.status_code, refused.detail, refused.headers)
            await response(scope, receive, answer)
        except Exception as error:
            log.error("not handled", exc_info=error)
            if status:  # the answer has begun: all that is left is to cut it off
                raise
            await problem(500, "The service failed.")(scope, receive, answer)
        finally:
            metrics.in_flight.dec()
            took = perf_counter() - began
            metrics.count_request(self._route(scope), status or 500, took)
            if settings.access_log:
                facts = {"method": scope["method"], "path": scope["path"], "status": status}
                log.info("request", extra={"facts": facts | {"ms": round(1e3 * took, 3)}})

    def _route(self, scope: Scope) -> str:
        if not self._paths:
            self._paths = {getattr(route, "path", "") for route in scope["app"].routes}
        path: str = scope["path"]
        return path if path in self._paths else getattr(scope.get("route"), "path", "other")

    def _next_id(self) -> bytes:
        return f"{self._prefix}-{next(self._numbers)}".encode()

    def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        if KEY_HASHES and scope["path"].removeprefix(settings.root_path) not in PROBES:
            kind, _, token = headers.get(b"authorization", b"").partition(b" ")
            key = headers.get(b"x-api-key", token if kind.lower() == b"bearer" else b"")
            found = hashlib.sha256(key).hexdigest()
            # All are compared, always: how long that takes tells nothing.
            if not sum(hmac.compare_digest(found, known) for known in KEY_HASHES):
                challenge = {"WWW-Authenticate": "Bearer"}
                raise HTTPException(401, "A valid API key is needed.", challenge)
        if int(headers.get(b"content-length", 0)) > settings.max_body_bytes:
            raise HTTPException(413, TOO_LARGE)
        if scope["method"] == "POST" and self._overloaded():
            raise HTTPException(503, BUSY, {"Retry-After": "1"})


def _harmless(headers: dict[bytes, bytes], name: bytes) -> bytes:
    """A header that may stand in logs and answers; empty if it is none."""
    given = headers.get(name, b"")
    return given if len(given) <= 128 and ID_CHARACTERS.issuperset(given) else b""


def _in_one_line(send: Send) -> Send:
    """Say why the service does not start in the line that was meant for it, without a traceback."""

    async def send_line(message: Message) -> None:
        last = message.get("message", "").strip().rpartition("\n")[2]
        if last.startswith("SystemExit: "):
            message["message"] = last.removeprefix("SystemExit: ")
        await send(message)

    return send_line
