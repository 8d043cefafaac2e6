"""Strict JSON for the routes of the app, and a shorter way for the plain ones among them.

FastAPI makes Python objects of the JSON first and validates these. Then a key that is given twice
is lost, and a date must be text and a datetime at once. Here pydantic validates the bytes.

A plain route (a coroutine with one body, which returns a model or a list of models) is answered
without FastAPI's handler. All other routes take FastAPI's own way: only the JSON parser and the
validation of the body are replaced.
"""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from typing import Annotated, Any, Union

import jiter
from fastapi import HTTPException, Request, Response
from fastapi._compat import ModelField
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
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

_json_body: ContextVar[bytes] = ContextVar("_json_body", default=b"")


class StrictJSONRoute(APIRoute):
    """A FastAPI route that reads its JSON body by the strict rules."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self._is_plain():
            [self._field] = self.dependant.body_params
            self._answer: TypeAdapter[Any] = TypeAdapter(self.response_model)
            self._is_exact = _type_check(self.response_model, self._answer)
            self._whole_app, self.app = self.app, self._respond

    def _is_plain(self) -> bool:
        """Whether the shorter way cannot differ from FastAPI's."""
        return (
            inspect.iscoroutinefunction(self.endpoint)
            and self._has_one_body()
            and self.response_field is not None
            and isinstance(self.response_class, DefaultPlaceholder)
            and self.status_code in {None, 200, 201, 202}
            and getattr(self, "max_body_size", None) is None  # newer FastAPI
            and self.response_model_include is None
            and self.response_model_exclude is None
            and self.response_model_by_alias
            and not self.response_model_exclude_unset
            and not self.response_model_exclude_defaults
            and not self.response_model_exclude_none
        )

    def _has_one_body(self) -> bool:
        """Whether the only parameter is a JSON body of models that must not be left out."""
        fields = self.dependant.body_params
        return (
            len(inspect.signature(self.endpoint).parameters) == len(fields) == 1
            and not self.dependant.dependencies
            and not self._embed_body_fields
            and not isinstance(fields[0].field_info, Form)
            and fields[0].field_info.is_required()
            and _has_models_only(fields[0].field_info.annotation)
            and getattr(self.strict_content_type, "value", self.strict_content_type) is True
        )

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "fastapi.telemetry" in scope:  # FastAPI's handler makes its spans
            await self._whole_app(scope, receive, send)
            return
        body = await _read(receive)
        if not body:
            raise _invalid("missing", "Field required")
        _require_json(dict(scope["headers"]))
        record = parse(self._field._type_adapter, body)
        answer = await self.endpoint(**{self._field.name: record})
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        if self._is_exact(answer):
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
        """FastAPI's own handler, with another JSON parser."""
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, Form):
            return handle

        async def handle_strictly(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            try:
                return await handle(strict)
            except RequestValidationError as error:
                raise strict.explain(error) from None

        return handle_strictly


def make_strict(routes: Iterable[BaseRoute]) -> None:
    """Make all routes strict, those of included routers too."""
    routes = [*routes]
    _make_routes_strict(routes)
    for context in iter_route_contexts(routes):
        if isinstance(context.original_route, APIRoute):
            _make_fields_strict(context.dependant)


def _make_routes_strict(routes: Iterable[BaseRoute]) -> None:
    for route in routes:
        if included := getattr(route, "original_router", None):
            _make_routes_strict(included.routes)
            vars(route)["_effective_candidates_version"] = None  # FastAPI makes the handlers anew
        elif type(route) is APIRoute:
            route.__class__ = StrictJSONRoute


def _make_fields_strict(dependant: Dependant) -> None:
    for field in dependant.body_params:
        if not isinstance(field.field_info, Form):
            field.__class__ = _StrictField
    for inner in dependant.dependencies:
        _make_fields_strict(inner)


class _StrictRequest(Request):
    """A request with a strict JSON parser. FastAPI decides by its headers whether it is JSON."""

    _is_json = False

    async def json(self) -> Any:
        self._is_json = True
        _require_plain(dict(self.scope["headers"]))
        body = await self.body()
        try:
            value = strict_value(body)
        except RequestValidationError as error:  # FastAPI expects the exception of its own parser
            raise json.JSONDecodeError(error.errors()[0]["msg"], "", 0) from None
        _json_body.set(body)
        return value

    def explain(self, error: RequestValidationError) -> Exception:
        """The error with the message of this parser; or 415 for a body that is not JSON."""
        if isinstance(error.__cause__, json.JSONDecodeError):
            return _invalid("json_invalid", error.__cause__.msg)
        of_body = any(fault["loc"][0] == "body" for fault in error.errors())
        has_body = bool(getattr(self, "_body", b""))
        return _not_json() if of_body and has_body and not self._is_json else error


class _StrictField(ModelField):
    """The body of a route, or one of its values: validated as JSON, and only once."""

    def validate(
        self, value: Any, values: Any = None, *, loc: tuple[int | str, ...] = ()
    ) -> tuple[Any, list[Any]]:
        whole = _json_body.get()
        if not whole or isinstance(value, bytes):
            return super().validate(value, values or {}, loc=loc)
        try:
            return _validate(self._type_adapter, whole if loc == ("body",) else to_json(value)), []
        except RequestValidationError as error:
            return None, [{**fault, "loc": (*loc, *fault["loc"][1:])} for fault in error.errors()]


def _has_models_only(hint: Any) -> bool:
    """Whether a value of this type is a model or consists of such; bytes never are."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _has_models_only(inner[0])
    if origin in {list, Union, types.UnionType}:
        return all(each is type(None) or _has_models_only(each) for each in inner)
    return dataclasses.is_dataclass(hint) or _is_model(hint)


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _type_check(hint: Any, adapter: TypeAdapter[Any]) -> Callable[[Any], bool]:
    """Return whether FastAPI would send a value without changing it in its validation."""
    schema: Any = adapter.core_schema
    if _is_model(hint) and _stays(schema):
        return lambda value: type(value) is hint
    if typing.get_origin(hint) is list and _stays(schema.get("items_schema", {})):
        [item] = typing.get_args(hint)
        if _is_model(item):
            return lambda value: type(value) is list and {*map(type, value)} <= {item}
    return lambda _: False


def _stays(schema: Any) -> bool:
    """Whether an instance of a model passes its validation as it is."""
    if schema.get("type") != "model":  # a validator of the whole model stands around it
        return False
    never = schema.get("config", {}).get("revalidate_instances", "never") == "never"
    return never and schema.get("revalidate_instances", "never") == "never"


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
        raise _not_json()
    _require_plain(headers)


def _require_plain(headers: dict[bytes, bytes]) -> None:
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
    value = _validate(body_type, body)
    strict_value(body)  # the validation ignores a key that is given twice, and NaN
    return value


def _validate(body_type: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return body_type.validate_json(body)
    except ValidationError as error:
        return _parse_whole(body_type, body, _faults(error))


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


def _not_json() -> HTTPException:
    return HTTPException(415, "Send JSON, with 'Content-Type: application/json'.")
