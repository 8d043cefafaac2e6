"""Error responses of the protocols: `detail` in the form that their clients read."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_FAULTS = 10  # that a message names
COMPRESSED = "Send the body without a Content-Encoding."

Shape = Callable[[int, str], dict[str, Any]]


def add_refusals(app: FastAPI, shapes: Mapping[str, Shape]) -> None:
    """Give error responses the form of the protocol at their path; a wrong record gets a 400."""
    app.add_middleware(Refusals, shapes=shapes)
    invalid: Any = app.exception_handlers[RequestValidationError]

    @app.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> Response:
        response: Response = await invalid(request, error)
        if response.status_code == 422 and shape_at(get_route_path(request.scope), shapes):
            response.status_code = 400
        return response


def shape_at(path: str, shapes: Mapping[str, Shape]) -> Shape | None:
    """Return the form of the protocol that the path belongs to."""
    return shapes.get(path) or shapes.get("/" + path.partition("/")[2].partition("/")[0])


class Refusals:
    """ASGI middleware, the outermost: some requests are refused before their route is known."""

    def __init__(self, app: ASGIApp, shapes: Mapping[str, Shape]) -> None:
        self.app, self._shapes = app, shapes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (shape := shape_at(get_route_path(scope), self._shapes)):
            send = partial(reshape, [], shape, scope, receive, send)
        await self.app(scope, receive, send)


def reshape(
    held: list[Message], shape: Shape, scope: Scope, receive: Receive, send: Send, message: Message
) -> Awaitable[None]:
    """Send a message of a response; those of an error response are held, and rewritten as one."""
    if not held and message.get("status", 200) < 400:
        return send(message)
    held.append(message)
    return send_refusal(held, shape, scope, receive, send)


async def send_refusal(
    held: list[Message], shape: Shape, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send an error response in the form of the protocol, once its last message is there."""
    start, *rest = held
    if not rest or rest[-1].get("more_body"):
        return
    status, text = start["status"], message_of(b"".join([each.get("body", b"") for each in rest]))
    if status == 400 and is_compressed(scope):
        status, text = 415, COMPRESSED
    response = JSONResponse(shape(status, text), status)
    own = dict(response.raw_headers)
    response.raw_headers += [each for each in start["headers"] if each[0] not in own]
    await response(scope, receive, send)


def is_compressed(scope: Scope) -> bool:
    """Whether the head of the request names an encoding of its body."""
    encoding = dict(scope["headers"]).get(b"content-encoding", b"identity")
    return encoding.lower() != b"identity"


def message_of(body: bytes) -> str:
    """Return `inputs.0.shape: Field required` for each fault; after a 500 the id that is logged."""
    try:
        content = json.loads(body)
        detail, number = content["detail"], content.get("id")
    except (ValueError, LookupError, TypeError):  # of a route or a middleware of the owner
        return body.decode(errors="replace")
    if isinstance(detail, list):
        faults = [(".".join(map(str, each["loc"])), each["msg"]) for each in detail[:MOST_FAULTS]]
        texts = [f"{place.removeprefix('body.')}: {text}" for place, text in faults]
        more = len(detail) - len(texts)
        detail = "; ".join([*texts, f"and {more} more"] if more else texts)
    return f"{detail} ({number})" if number else str(detail)
