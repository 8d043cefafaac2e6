"""A route that reads its body once, from bytes into the type that the endpoint asks for.

FastAPI would make Python objects of the JSON, validate those, and walk over the answer twice. It
still describes the route on the API page, and runs endpoints that ask for more than the body.
"""

import asyncio
import inspect
import json
import re
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jiter
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.errors import TOO_LARGE
from app.settings import settings

JSON = b"application/json"
MAX_LISTED = 1000  # faults of a body that are described one by one
MAX_EXAMINED = 100_000  # and that are looked at
INTEGER_FAULTS = {"int_type", "literal_error", "enum"}  # which a 1.0 can be
DECIMAL_FAULT = "decimal_as_float"  # which a number that must stay exact is until then


class JSONRoute(APIRoute):
    """What `main.py` makes of each endpoint."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self._has_json_body():
            hints = typing.get_type_hints(endpoint, include_extras=True)
            self._body: TypeAdapter[Any] = TypeAdapter(hints[self.dependant.body_params[0].name])
            self._answer: TypeAdapter[Any] = TypeAdapter(hints["return"])
            if len(inspect.signature(endpoint).parameters) == 1 and not self.dependencies:
                self.app = self._respond

    def _has_json_body(self) -> bool:
        """Whether the body is one value in JSON: no form, no file, not several values in one."""
        values = self.dependant.body_params
        return (
            len(values) == 1
            and not self._embed_body_fields
            and not isinstance(values[0].field_info, Form)
        )

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.endpoint(parse(self._body, await read_body(scope, receive)))
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        # What the model gave goes out as it is, be it of the type in schemas.py or not.
        body = self._answer.dump_json(answer, by_alias=True, serialize_as_any=True, warnings=False)
        headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(body))]
        status = self.status_code or 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def get_route_handler(self) -> Callable[[Request], typing.Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, for other endpoints; it gets the body ready-made."""
        handle = super().get_route_handler()
        if not self._has_json_body():
            return handle

        async def read_and_handle(request: Request) -> Response:
            body = parse(self._body, await read_body(request.scope, request.receive))
            return await handle(_ReadRequest(request, body))

        return read_and_handle


class _ReadRequest(Request):
    """A request whose body is a validated value already: FastAPI takes that as it is."""

    def __init__(self, request: Request, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body, self._value = b"read", value

    async def json(self) -> Any:
        return self._value


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The bytes of a JSON body that is no larger than the settings allow, and arrives in time."""
    headers = dict(scope["headers"])
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != JSON and not re.fullmatch(rb"application/.+\+json", media_type):
        raise HTTPException(415, "Send JSON, with 'Content-Type: application/json'.")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HTTPException(415, "Send the body as it is, without a Content-Encoding.")
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        try:
            body = await asyncio.wait_for(_read_rest(body, receive), settings.body_timeout_s)
        except asyncio.TimeoutError:
            detail = "The body did not arrive in time."
            raise HTTPException(408, detail, {"Connection": "close"}) from None
    if len(body) > settings.max_body_bytes:
        raise HTTPException(413, TOO_LARGE)
    return body


async def _read_rest(body: bytes, receive: Receive) -> bytes:
    parts, size, more = [body], len(body), True
    while more and size <= settings.max_body_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The body is not complete.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


def parse(body_type: TypeAdapter[Any], body: bytes) -> Any:
    """The value that `body` holds.

    Raises:
        RequestValidationError: It is not strict JSON, or not of this type. Never names a value.
    """
    try:
        value = body_type.validate_json(body)
    except ValidationError as error:
        value = _parse_whole(body_type, body, _faults(error))
    try:
        # What the validation lets pass: two of a key, of which one is lost, and NaN.
        jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError as error:
        raise _invalid("json_invalid", f"Invalid JSON: {str(error)[:200]}") from None
    return value


def _parse_whole(body_type: TypeAdapter[Any], body: bytes, faults: list[Any]) -> Any:
    """The value that `body` holds with 1 for each 1.0, if that may be all that is wrong with it."""
    if not {*INTEGER_FAULTS, DECIMAL_FAULT}.isdisjoint(fault["type"] for fault in faults):
        try:
            whole = to_json(_whole(jiter.from_json(body)))
            return body_type.validate_json(whole, context=_as_sent(body))
        except ValidationError as error:
            faults = _faults(error)
    if len(faults) > MAX_LISTED:
        raise _invalid("too_many_faults", f"{len(faults)} faults, too many to list")
    raise RequestValidationError(faults)


def _faults(error: ValidationError) -> list[Any]:
    count = error.error_count()
    if count > MAX_EXAMINED:
        raise _invalid("too_many_faults", f"{count} faults, too many to list")
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return [{**fault, "loc": ("body", *fault["loc"])} for fault in faults]


def _whole(value: Any) -> Any:
    """The value with 1 for each 1.0: JSON takes them for the same."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {key: _whole(item) for key, item in value.items()}
    return value


def _as_sent(body: bytes) -> dict[float, Decimal | None]:
    """Each number with a fraction as it was sent; `None` where two of them become one float."""
    found: dict[float, Decimal | None] = {}

    def keep(text: str) -> None:
        exact = Decimal(text)
        if found.setdefault(float(text), exact) != exact:
            found[float(text)] = None

    json.loads(body, parse_float=keep, parse_int=len)
    return found


def _invalid(kind: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("body",), "msg": message}])
