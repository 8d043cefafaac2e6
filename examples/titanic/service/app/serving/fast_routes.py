"""A shorter way through FastAPI for plain routes, which halves the time of a request under load.

A plain route is a coroutine with no option that changes the response. It takes one JSON body, a
model or a list of models, and has a response model; or it takes the `Request` alone and returns a
`Response`. FastAPI answers all others.
"""

import dataclasses
import inspect
import json
import typing
from functools import partial
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi._compat import ModelField
from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, serialize_response
from pydantic import BaseModel, RootModel
from pydantic_core import to_json
from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Message, Receive, Scope, Send

from app.serving.errors import TOO_LARGE
from app.serving.strict_json import (
    COMPRESSED,
    first_headers,
    invalid,
    is_surely_strict,
    least_keys,
    media_fault,
    received,
    require_strict,
    validate,
)

# Options of a route that leave the response as it is.
PLAIN = {
    "status_code": (None, 200, 201, 202),
    "max_body_size": (None,),  # newer FastAPI
    "response_model_include": (None,),
    "response_model_exclude": (None,),
    "response_model_by_alias": (True,),
    "response_model_exclude_unset": (False,),
    "response_model_exclude_defaults": (False,),
    "response_model_exclude_none": (False,),
}
VALUES = (bool, int, float, str, NoneType)


def speed_up(app: FastAPI) -> dict[tuple[str, str], "FastRoute"]:
    """Answer the plain routes of `app` in the shorter way.

    Returns:
        Those with a fixed path, by method and path: no other route would answer these requests.
    """
    found: dict[tuple[str, str], FastRoute] = {}
    for route in app.routes:
        if type(route) is APIRoute and is_plain(route):
            fast = route.app if isinstance(route.app, FastRoute) else FastRoute(app, route)
            route.app = fast
            if not route.param_convertors and not _is_hidden(route, app.routes):
                found |= {(method, route.path): fast for method in route.methods or ()}
    has_middleware = app.router.middleware_stack != app.router.app  # which comes before the routes
    return {} if has_middleware else found


def _is_hidden(route: APIRoute, routes: list[BaseRoute]) -> bool:
    """Whether a route before this one, such as `/{name}`, may answer at its path."""
    asked = {"type": "http", "path": route.path, "headers": []}
    return any(
        type(each) not in {APIRoute, Mount, Route}
        or each.matches({**asked, "method": method})[0] is Match.FULL
        for each in routes[: routes.index(route)]
        for method in route.methods or ()
    )


def is_plain(route: APIRoute) -> bool:
    """Whether the shorter way cannot differ from FastAPI's."""
    return (
        inspect.iscoroutinefunction(route.endpoint)
        and (isinstance(route.app, FastRoute) or _is_of_fastapi(route))
        and len(inspect.signature(route.endpoint).parameters) == 1
        and not route.dependant.dependencies
        and isinstance(route.response_class, DefaultPlaceholder)
        and all(getattr(route, name, None) in plain for name, plain in PLAIN.items())
        and (_takes_models(route) or _takes_request(route))
    )


def _is_of_fastapi(route: APIRoute) -> bool:
    """Whether nothing was put around the handler of FastAPI."""
    return (route.app.__module__, getattr(route.app, "__name__", "")) == ("fastapi.routing", "app")


def _takes_models(route: APIRoute) -> bool:
    fields = route.dependant.body_params
    return (
        len(fields) == 1
        and not route._embed_body_fields
        and not isinstance(fields[0].field_info, Form)
        and fields[0].field_info.is_required()
        and _is_model(fields[0].field_info.annotation)
        and getattr(route.strict_content_type, "value", route.strict_content_type) is True
        and route.response_field is not None
    )


def _takes_request(route: APIRoute) -> bool:
    returned = inspect.signature(route.endpoint).return_annotation
    return (
        route.dependant.request_param_name is not None
        and isinstance(returned, type)
        and issubclass(returned, Response)
    )


def _is_model(hint: Any) -> bool:
    """Whether a value of this type is a model or a list of models; bytes never are."""
    if typing.get_origin(hint) in {list, typing.Annotated}:
        return _is_model(typing.get_args(hint)[0])
    return isinstance(hint, type) and (
        issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint)
    )


class PlainAnswers:
    """Answers of one class, where their fields as JSON are what pydantic writes of them."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._models = {model}
        fields = model.model_fields.items() if _has_plain_fields(model) else ()
        self._fields = [(itemgetter(name), _types_of(field.annotation)) for name, field in fields]

    def fields_of(self, answers: Any) -> list[dict[str, Any]] | None:
        """Return the fields of each answer; None if pydantic would write anything else."""
        if type(answers) is not list or not answers or not self._fields:
            return None
        if not self._models.issuperset(map(type, answers)):
            return None
        found = [answer.__dict__ for answer in answers]
        try:
            for field, types in self._fields:
                if not types.issuperset(map(type, map(field, found))):
                    return None
        except KeyError:  # of `model_construct`
            return None
        is_whole = sum(map(len, found)) == len(found) * len(self._fields)  # no `cached_property`
        return found if is_whole else None


def _has_plain_fields(model: type[BaseModel]) -> bool:
    fields, decorators = model.model_fields.values(), model.__pydantic_decorators__
    return (
        not issubclass(model, RootModel)
        and all(_types_of(field.annotation) for field in fields)
        and {type(each).__name__ for field in fields for each in field.metadata}
        <= {"SkipValidation"}
        and not any(field.serialization_alias or field.exclude for field in fields)
        and not any(getattr(field, "exclude_if", None) for field in fields)
        and model.model_config.get("extra") != "allow"
        and not any(key.startswith(("json", "revalidate", "ser")) for key in model.model_config)
        and not (decorators.field_serializers or decorators.model_serializers)
        and not (decorators.computed_fields or decorators.model_validators)
    )


def _types_of(hint: Any) -> set[type]:
    """Return the types of a union of plain values; none for another hint."""
    is_union = typing.get_origin(hint) in {typing.Union, UnionType}
    members = typing.get_args(hint) if is_union else (hint,)
    return {*members} if all(any(each is value for value in VALUES) for each in members) else set()


def _model_of(field: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model that a field is or is a list of, if any, and whether it is a list."""
    hint = field.field_info.annotation if field else None
    is_list = typing.get_origin(hint) is list
    model = typing.get_args(hint)[0] if is_list else hint
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    return model if is_model else None, is_list


class FastRoute:
    """The ASGI app of a plain route."""

    def __init__(self, app: FastAPI, route: APIRoute) -> None:
        self._route, self._whole_app, self._endpoint = route, route.app, route.endpoint
        self._field = next(iter(route.dependant.body_params), None)
        record, self._takes_list = _model_of(self._field)
        metadata = self._field.field_info.metadata if self._field else ()
        if not {type(each).__name__ for each in metadata} <= {"MaxLen", "MinLen"}:
            record = None  # a validator may return more records than there are
        answer, self._gives_list = _model_of(route.response_field)
        self._keys = least_keys(record) if record else 0  # of each record; 0 if that is not known
        self._answers = PlainAnswers(answer) if answer else None
        self._request_name = route.dependant.request_param_name or ""
        self._response_field, self._status = route.response_field, route.status_code or 200
        self._about = {"route": route, "endpoint": route.endpoint, "router": app.router}
        # Those for 500 and Exception belong to the middleware around all.
        own = [(key, each) for key, each in app.exception_handlers.items() if key != 500]
        by_class = {key: each for key, each in own if key is not Exception and type(key) is not int}
        by_status = {key: each for key, each in own if type(key) is int}
        self._about["starlette.exception_handlers"] = by_class, by_status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        scope.update(self._about)
        if "fastapi.telemetry" in scope:  # FastAPI's handler makes its spans
            await self._whole_app(scope, receive, send)
            return
        scope.setdefault("path_params", {})
        request = Request(scope, receive)  # what exception handlers get
        respond = partial(self._respond, request)
        await wrap_app_handling_exceptions(respond, request)(scope, receive, send)

    async def _respond(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = request._body = await _read(receive, scope[MAX_BODY_SIZE_SCOPE_KEY])
        except StarletteHTTPException as error:
            if self._field:
                raise
            request = Request(scope, partial(_refuse, error))  # to an endpoint that reads the body
        if self._field is None:
            answer = await self._endpoint(**{self._request_name: request})
            if not isinstance(answer, Response):  # despite the annotation
                answer = JSONResponse(jsonable_encoder(answer))
            await answer(scope, receive, send)
            return
        if not body:
            raise invalid("missing", "Field required")
        headers = first_headers(scope)
        received.set((headers, [body]))
        record = self._validated(self._field, body, headers)
        answer = await self._endpoint(**{self._field.name: record})
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        answers = answer if self._gives_list else [answer]
        if self._answers and (fields := self._answers.fields_of(answers)):
            body = to_json(fields if self._gives_list else fields[0], inf_nan_mode="null")
        else:
            body = await serialize_response(
                field=self._response_field, response_content=answer, dump_json=True
            )
        head = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        start = {"type": "http.response.start", "status": self._status, "headers": head}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _validated(self, field: ModelField, body: bytes, headers: dict[bytes, bytes]) -> Any:
        """Return the value of the body, as FastAPI does with a strict field."""
        if detail := media_fault(headers):
            if detail == COMPRESSED:
                raise HTTPException(415, detail)
            record, faults = field.validate(body, loc=("body",))
            if faults:
                raise RequestValidationError(faults, body=body)
            return record
        record, faults = validate(field._type_adapter, body)
        if faults:
            if faults[0]["type"] != "json_invalid":
                require_strict(body)  # which FastAPI's way says first
            raise RequestValidationError(faults, body=_as_json(body))
        # The validation ignores a key that is given twice, and NaN.
        records = len(record) if self._takes_list else 1
        if not self._keys or not is_surely_strict(body, self._keys * records):
            require_strict(body)
        return record


async def _read(receive: Receive, most: int) -> bytes:
    """Return the body.

    Raises:
        HTTPException: It has more than `most` bytes.
    """
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise HTTPException(413, TOO_LARGE)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _refuse(error: StarletteHTTPException) -> Message:
    raise error


def _as_json(body: bytes) -> Any:
    """Return what a handler for invalid requests finds in `error.body`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
