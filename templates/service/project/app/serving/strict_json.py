"""Strict JSON for the routes of the app, and a shorter way for the plain ones among them.

FastAPI makes Python objects of the JSON first and validates these. Then a key that is given twice
is lost, and a date must be text and a datetime at once. Here pydantic validates the bytes.

A plain route (a coroutine with one body, which returns what its annotation says) is answered
without FastAPI's handler. All other routes take FastAPI's own way.
"""

import asyncio
import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, Union

import jiter
from fastapi import HTTPException, Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute, iter_route_contexts, serialize_response
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

JSON = b"application/json"
MAX_LISTED = 1000  # faults of a body that are described one by one
MAX_EXAMINED = 100_000  # and that are looked at
INTEGER_FAULTS = {"int_type", "literal_error", "enum"}  # what 1.0 may be reported as
DECIMAL_FAULT = "decimal_as_float"  # a number that must stay exact, until it is text
MAX_EXACT = 2**53  # larger floats leave out integers
MAX_INTEGER = 2**63


class StrictJSONRoute(APIRoute):
    """A FastAPI route that reads its JSON body by the strict rules."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if (kind := _body_type(self)) and self._is_plain():
            self._body: TypeAdapter[Any] = TypeAdapter(kind)
            self._answer: TypeAdapter[Any] = TypeAdapter(self.response_model)
            self._is_exact = _type_check(self.response_model)
            self.app = self._respond

    def _is_plain(self) -> bool:
        """Whether the shorter way cannot differ from FastAPI's."""
        returned = typing.get_type_hints(self.endpoint, include_extras=True).get("return")
        return (
            asyncio.iscoroutinefunction(self.endpoint)
            and len(inspect.signature(self.endpoint).parameters) == 1
            and not self.dependencies
            and self.response_field is not None
            and self.response_model == returned
            and _type_check(returned) is not None
            and isinstance(self.response_class, DefaultPlaceholder)
            and self.status_code in {None, 200, 201, 202}
            and self.max_body_size is None
            and not (self.response_model_include or self.response_model_exclude)
            and self.response_model_by_alias
            and not self.response_model_exclude_unset
            and not self.response_model_exclude_defaults
            and not self.response_model_exclude_none
        )

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if not body:
            raise _invalid("missing", "Field required")
        _require_json(dict(scope["headers"]))
        answer = await self.endpoint(parse(self._body, body))
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        if self._is_exact and self._is_exact(answer):
            content = self._answer.dump_json(answer, by_alias=True, warnings=False)
        else:
            content = await serialize_response(
                field=self.response_field, response_content=answer, dump_json=True
            )
        headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(content))]
        status = self.status_code or 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, which gets the body once it is checked."""
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, Form):
            return handle
        kind = _body_type(self)
        adapter: TypeAdapter[Any] | None = TypeAdapter(kind) if kind else None

        async def check_and_handle(request: Request) -> Response:
            body = await request.body()
            if not body:
                return await handle(request)
            _require_json(dict(request.scope["headers"]))
            if adapter is None:
                return await handle(_ReadRequest(request, strict_value(body)))
            value, faults = None, []
            try:
                value = parse(adapter, body)
            except RequestValidationError as error:
                faults = list(error.errors())
                if faults[0]["type"] == "json_invalid":
                    raise
            try:
                # Dependencies come first: a caller without access learns nothing of the schema.
                return await handle(_ReadRequest(request, _INVALID if faults else value))
            except RequestValidationError as error:
                if not faults:
                    raise
                others = [fault for fault in error.errors() if fault["loc"][0] != "body"]
                raise RequestValidationError([*others, *faults]) from None

        return check_and_handle


def make_strict(routes: Iterable[BaseRoute]) -> None:
    """Make all routes strict, those of included routers too."""
    for context in iter_route_contexts([*routes]):
        if type(context.original_route) is APIRoute:
            context.original_route.__class__ = StrictJSONRoute


_INVALID = object()


class _ReadRequest(Request):
    """A request whose JSON is a checked value already."""

    def __init__(self, request: Request, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body, self._value = b"read", value

    async def json(self) -> Any:
        return self._value


def _body_type(route: APIRoute) -> Any:
    """The annotation of the body, if it is one value that consists of models; else None."""
    values = route.dependant.body_params
    if len(values) != 1 or route._embed_body_fields or isinstance(values[0].field_info, Form):
        return None
    hint = typing.get_type_hints(route.endpoint, include_extras=True)[values[0].name]
    return hint if _has_models_only(hint) else None


def _has_models_only(hint: Any) -> bool:
    """Whether FastAPI takes validated values of this type as they are."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _has_models_only(inner[0])
    if origin in {list, Union, types.UnionType}:
        return all(each is type(None) or _has_models_only(each) for each in inner)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint.model_config.get("revalidate_instances", "never") == "never"
    return dataclasses.is_dataclass(hint)


def _type_check(hint: Any) -> Callable[[Any], bool] | None:
    """Return whether a value is exactly of a model type or a list of it; None for other types."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return lambda value: type(value) is hint
    if typing.get_origin(hint) is list:
        [item] = typing.get_args(hint)
        if isinstance(item, type) and issubclass(item, BaseModel):
            return lambda value: type(value) is list and {*map(type, value)} <= {item}
    return None


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _require_json(headers: dict[bytes, bytes]) -> None:
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != JSON and not re.fullmatch(rb"application/.+\+json", media_type):
        raise HTTPException(415, "Send JSON, with 'Content-Type: application/json'.")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise HTTPException(415, "Send the body without a Content-Encoding.")


def strict_value(body: bytes) -> Any:
    """Return the value of strict JSON: no key twice, no NaN.

    Raises:
        RequestValidationError: It is not strict JSON. The message has no value of it.
    """
    try:
        return jiter.from_json(
            body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys"
        )
    except ValueError as error:
        raise _invalid("json_invalid", f"Invalid JSON: {str(error)[:200]}") from None


def parse(body_type: TypeAdapter[Any], body: bytes) -> Any:
    """Return the value of `body`.

    Raises:
        RequestValidationError: It is not strict JSON, or not of this type.
    """
    try:
        value = body_type.validate_json(body)
    except ValidationError as error:
        value = _parse_whole(body_type, body, _faults(error))
    strict_value(body)  # the validation ignores a key that is given twice, and NaN
    return value


def _parse_whole(body_type: TypeAdapter[Any], body: bytes, faults: list[Any]) -> Any:
    """Return the value with 1 for each 1.0, if the body has no other fault."""
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
    """The body with 1 for each 1.0 and text for each decimal; None if it has another fault."""
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
    """The object or list that has the value at `place`, and its key there."""
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
