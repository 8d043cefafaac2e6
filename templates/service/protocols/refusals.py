"""Error responses of the protocols: `detail` in the form that their clients read."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi.responses import JSONResponse
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Shape = Callable[[int, str], tuple[int, dict[str, Any]]]


class Refusals:
    """ASGI middleware that gives error responses the form of the protocol at their path."""

    def __init__(self, app: ASGIApp, shapes: Mapping[str, Shape]) -> None:
        self.app, self._shapes = app, shapes
        self._below = tuple(f"{path}/" for path in shapes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = get_route_path(scope) if scope["type"] == "http" else ""
        if path in self._shapes or path.startswith(self._below):
            found = next(each for each in self._shapes if f"{path}/".startswith(f"{each}/"))
            send = _reshaping(self._shapes[found], scope, receive, send)
        await self.app(scope, receive, send)


def _reshaping(shape: Shape, scope: Scope, receive: Receive, send: Send) -> Send:
    start: Message | None = None
    body = b""

    async def reshape(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start" and message["status"] >= 400:
            start = message
            return
        if start is None:
            await send(message)
            return
        body += message.get("body", b"")
        if message.get("more_body"):
            return
        status, content = start["status"], json.loads(body)
        if not isinstance(content, dict) or "detail" not in content:
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        response = JSONResponse(*reversed(shape(status, _message(content))))
        kept = [each for each in start["headers"] if each[0] not in dict(response.raw_headers)]
        response.raw_headers += kept
        await response(scope, receive, send)

    return reshape


def _message(content: dict[str, Any]) -> str:
    """`inputs.0.shape: Field required`, for each fault; with 500 the id that is in the log."""
    detail, number = content["detail"], content.get("id")
    if isinstance(detail, list):
        faults = [(".".join(map(str, each["loc"])), each["msg"]) for each in detail]
        detail = "; ".join(f"{place.removeprefix('body.')}: {text}" for place, text in faults)
    return f"{detail} ({number})" if number else str(detail)
