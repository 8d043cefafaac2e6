"""Strict JSON for every route: no key twice, no NaN, and the types that JSON has.

FastAPI makes Python objects of the JSON first and validates these. Then a key that is given twice
is lost, and a date must be text and a datetime at once. Here pydantic validates the bytes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import jiter
from fastapi import HTTPException, Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.routing import BaseRoute
from starlette.types import Scope

JSON = re.compile(rb"\s*application/(json|.+\+json)\s*(;.*)?", re.IGNORECASE)
NOT_JSON = "Send JSON, with 'Content-Type: application/json'."
COMPRESSED = "Send the body without a Content-Encoding."
MAX_LISTED = 1000  # faults of a body that are described one by one
MAX_EXAMINED = 100_000  # and that are looked at
INTEGER_FAULTS = {"int_type", "literal_error", "enum"}  # what 1.0 may be reported as
DECIMAL_FAULT = "decimal_as_float"  # a number that must stay exact, until it is text
MAX_EXACT = 2**53  # larger floats leave out integers
MAX_INTEGER = 2**63

Validated = tuple[Any, list[Any]]  # a value, or what is wrong
Place = tuple[int | str, ...]

# The headers of the request, and the parts of its body that were received.
received: ContextVar[tuple[Mapping[bytes, bytes], list[bytes]]]
received = ContextVar("received", default=({}, []))


def make_strict(routes: Iterable[BaseRoute]) -> None:
    """Make the bodies of all routes strict, those of included routers too."""
    for context in iter_route_contexts([*routes]):
        if isinstance(context.original_route, APIRoute):
            # A route class with a handler of its own may read other bytes than those of the wire.
            own = type(context.original_route).get_route_handler is not APIRoute.get_route_handler
            _make_fields_strict(context.dependant, StrictIfSentField if own else StrictField)


def _make_fields_strict(dependant: Dependant, field_class: type[ModelField]) -> None:
    for field in dependant.body_params:
        if not isinstance(field.field_info, Form):
            field.__class__ = field_class
    for inner in dependant.dependencies:
        _make_fields_strict(inner, field_class)


class StrictField(ModelField):
    """The body of a route, or one of its values."""

    def validate(self, value: Any, values: Any = None, *, loc: Place = ()) -> Validated:
        """Return the value as FastAPI does, but from the bytes of the body."""
        headers, parts = received.get()
        body = b"".join(parts)
        if not body or isinstance(value, bytes):  # a default, or another media type
            return super().validate(value, values or {}, loc=loc)
        if media_fault(headers) == COMPRESSED:
            raise HTTPException(415, COMPRESSED)
        require_strict(body)
        return validate(self._type_adapter, body if loc == ("body",) else to_json(value), loc)


class StrictIfSentField(StrictField):
    """The same, on a route that may decompress or change the body: strict if it did not."""

    def validate(self, value: Any, values: Any = None, *, loc: Place = ()) -> Validated:
        """Return the value from the bytes of the body, or from FastAPI's value if that differs."""
        if _is_sent(value, b"".join(received.get()[1]), loc):
            return super().validate(value, values, loc=loc)
        return ModelField.validate(self, value, values or {}, loc=loc)


def _is_sent(value: Any, body: bytes, loc: Place) -> bool:
    """Whether a body has this value at a place."""
    try:
        sent = json.loads(body)
        for part in loc[1:]:
            sent = sent[part]
        return json.dumps(sent) == json.dumps(value)  # compares NaN as equal
    except (ValueError, LookupError, TypeError):
        return False


def first_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers of a request; of several with one name the first, as FastAPI does."""
    return dict(reversed([*scope["headers"]]))


def media_fault(headers: Mapping[bytes, bytes]) -> str | None:
    """Return why a body is not plain JSON, by its headers."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return COMPRESSED
    return None if JSON.fullmatch(headers.get(b"content-type", b"")) else NOT_JSON


def media_fault_of(request: Request) -> str | None:
    """Return why a body is not plain JSON, on a route that takes JSON."""
    headers, parts = received.get()
    return media_fault(headers) if any(parts) and takes_json(request.scope) else None


def takes_json(scope: Scope) -> bool:
    """Whether the route takes JSON, or is not known yet: no stream and no form."""
    field = getattr(scope.get("route"), "body_field", None)
    return "route" not in scope or (field is not None and not isinstance(field.field_info, Form))


def require_strict(body: bytes) -> Any:
    """Return the value of strict JSON. Other bodies raise 422; the message has no value of it."""
    try:
        return jiter.from_json(
            body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys"
        )
    except ValueError as error:
        _require_utf8(body)
        raise invalid("json_invalid", f"Invalid JSON: {str(error)[:200]}") from None


def least_keys(model: type[BaseModel]) -> int:
    """Return how many keys each object of a model has; 0 if other keys may stand for its fields."""
    decorators = model.__pydantic_decorators__.model_validators.values()
    if any(each.info.mode != "after" for each in decorators) or issubclass(model, RootModel):
        return 0
    if model.__pydantic_custom_init__:
        return 0
    fields = model.model_fields.items()
    keys = [field.validation_alias or name for name, field in fields if field.is_required()]
    return len({*keys}) if all(isinstance(key, str) for key in keys) else 0


def is_surely_strict(body: bytes, keys: int) -> bool:
    """Whether valid JSON with so many keys at least is strict, by a look that takes no time.

    Each key has a colon. If there are no more colons, no key is given twice.
    """
    return body.count(b":") == keys and b"NaN" not in body and b"Infinity" not in body


def _require_utf8(body: bytes) -> None:
    """Raise 422 for another encoding and for a byte order mark (RFC 8259, section 8.1)."""
    if (encoding := json.detect_encoding(body)) != "utf-8":
        found = encoding.upper().replace("-SIG", " with a byte order mark")
        raise invalid("json_invalid", f"The body is {found}. Send UTF-8 without a byte order mark.")


def invalid(kind: str, message: str) -> RequestValidationError:
    """Return the error for a body that is refused as a whole."""
    return RequestValidationError([{"type": kind, "loc": ("body",), "msg": message}])


def validate(body_type: TypeAdapter[Any], body: bytes, loc: Place = ("body",)) -> Validated:
    """Return the value of JSON, with 1 for each 1.0 of an integer if there is no other fault."""
    try:
        return body_type.validate_json(body), []
    except ValidationError as error:
        _require_utf8(body)
        faults = _faults(error)
    if whole := _repaired(body, faults):
        try:
            return body_type.validate_json(whole), []
        except ValidationError as error:
            faults = _faults(error)
    if len(faults) > MAX_LISTED:
        raise invalid("too_many_faults", f"{len(faults)} faults, too many to list")
    return None, [{**fault, "loc": (*loc, *fault["loc"])} for fault in faults]


def _faults(error: ValidationError) -> list[Any]:
    if (count := error.error_count()) > MAX_EXAMINED:
        raise invalid("too_many_faults", f"{count} faults, too many to list")
    return error.errors(include_url=False, include_context=False, include_input=False)


class Number(float):
    """A number with a point or an exponent, and its text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _repaired(body: bytes, faults: list[Any]) -> bytes | None:
    """The body with 1 for each 1.0 and text for each decimal; None if it has another fault."""
    if not {fault["type"] for fault in faults} <= {*INTEGER_FAULTS, DECIMAL_FAULT}:
        return None
    try:
        tree = {"": json.loads(body, parse_float=Number)}
        if not all(_repair(tree, fault) for fault in faults):
            return None
        return to_json(tree[""])
    except (ValueError, ArithmeticError, RecursionError):  # an infinity, or beyond all bounds
        return None


def keep_digits(values: list[Any], error: ValidationError) -> None:
    """Write its text in place of each `Number` that a decimal is to be made of."""
    for fault in _faults(error):
        if fault["type"] == DECIMAL_FAULT:
            _repair({"": values}, fault)


def _repair(tree: dict[str, Any], fault: Any) -> bool:
    """Write 1 for the 1.0 that a fault is about, or text for a decimal; return whether that is all.

    Args:
        tree: The value of JSON below the key "", with a `Number` for each number that has a point.
        fault: One that pydantic found.
    """
    holder, key = _find(tree, fault["loc"])
    number = holder[key]
    if not isinstance(number, Number):
        return False
    if fault["type"] == DECIMAL_FAULT:
        holder[key] = number.text
        return True
    exact: float | Decimal = number if abs(number) < MAX_EXACT else Decimal(number.text)
    if not -MAX_INTEGER <= exact <= MAX_INTEGER or exact != int(exact):
        return False
    holder[key] = int(exact)
    return True


def _find(tree: Any, place: Place) -> tuple[Any, Any]:
    """The object or list that has the value at `place`, and its key there."""
    holder: Any = tree
    key: int | str = ""
    for part in place:
        inner = holder[key]
        # Another part names a member of a union.
        if (isinstance(inner, dict) and part in inner) or (
            isinstance(inner, list) and isinstance(part, int)
        ):
            holder, key = inner, part
    return holder, key
