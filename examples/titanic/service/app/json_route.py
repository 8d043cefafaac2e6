"""A route that reads its body once, from bytes into the type that the endpoint asks for.

FastAPI would make Python objects of the JSON, validate those, and walk over the answer twice. It
still describes the route on the API page, and runs endpoints that ask for more than the body.
"""

import asyncio
import inspect
import re
import typing
from collections.abc import Callable
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
DECIMAL_FAULT = "decimal_as_float"  # which a number that must stay exact is until it is text
MAX_EXACT = 2**53  # from here on floats leave out integers
MAX_INTEGER = 2**63


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
    """The value that `body` holds with 1 for each 1.0, if nothing else is wrong with it."""
    kinds = {fault["type"] for fault in faults}
    if kinds <= {*INTEGER_FAULTS, DECIMAL_FAULT} and (whole := _repaired(body, faults)):
        try:
            return body_type.validate_json(whole)
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


def _repaired(body: bytes, faults: list[Any]) -> bytes | None:
    """The body with 1 for each 1.0 and text for each decimal; None if another value is at fault."""
    try:
        plain = {"body": jiter.from_json(body, allow_inf_nan=False)}
        exact: Any = None  # the same with every digit, where a float may have lost some
        for fault in faults:
            is_decimal = fault["type"] == DECIMAL_FAULT
            holder, key = _find(plain, fault["loc"])
            number = holder[key]
            if not isinstance(number, float):
                return None
            if is_decimal or abs(number) >= MAX_EXACT:
                exact = exact or {"body": jiter.from_json(body, float_mode="decimal")}
                number = _value_at(exact, fault["loc"])
            if not is_decimal and (abs(number) > MAX_INTEGER or number != int(number)):
                return None
            holder[key] = str(number) if is_decimal else int(number)
    except (ValueError, ArithmeticError):  # an infinity, or an exponent beyond all bounds
        return None
    return to_json(plain["body"])


def _find(tree: Any, place: tuple[int | str, ...]) -> tuple[Any, int | str]:
    """What holds the value at `place`, and under which key."""
    holder, key = tree, place[0]
    for part in place[1:]:
        inner = holder[key]
        # Another part names a member of a union.
        if (isinstance(inner, dict) and part in inner) or (
            isinstance(inner, list) and isinstance(part, int)
        ):
            holder, key = inner, part
    return holder, key


def _value_at(tree: Any, place: tuple[int | str, ...]) -> Any:
    holder, key = _find(tree, place)
    return holder[key]


def _invalid(kind: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("body",), "msg": message}])
