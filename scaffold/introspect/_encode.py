"""Write values of the sample as the JSON that a person would send or get for them."""

from __future__ import annotations

import base64
import datetime
import enum
import io
import math
from typing import Any

from pydantic_core import to_jsonable_python

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _kinds, _scalars
from scaffold.introspect._plain import fields_of
from scaffold.introspect._rows import take_record
from scaffold.spec import (
    Category,
    ClassKind,
    Column,
    Either,
    Field,
    JSONScalar,
    JSONValue,
    List,
    Mapping,
    Optional,
    Parts,
    Picture,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
)


def encode(value: Any, schema: Schema, path: str = "$") -> JSONValue:
    """Return one value as JSON, in the way that `schema` says; infinite numbers are left as they are."""
    if isinstance(schema, Value):
        return {schema.field.name: encode(value, schema.field.schema, path)}
    if _scalars.missing_marker(value) is not None:
        return None
    match schema:
        case Optional(of=inner):
            return encode(value, inner, path)
        case Scalar():
            return encode_scalar(value, schema)
        case Category(of=of):
            return _level(value, of)
        case Either(of=kinds):
            return encode(value, _kind_of(value, kinds), path)
        case List(items=Table() as row):
            return [encode(take_record(value, i), row, f"{path}[{i}]") for i in range(len(value))]
        case List(items=items):
            listed = [encode(item, items, f"{path}[{i}]") for i, item in enumerate(value)]
            # The order of a set is another in each process.
            return sorted(listed, key=str) if isinstance(value, (set, frozenset)) else listed
        case Tuple(items=places) | Parts(items=places):
            return [
                encode(v, place, f"{path}[{i}]")
                for i, (v, place) in enumerate(zip(value, places, strict=True))
            ]
        case Mapping(values=values):
            return {str(key): encode(item, values, f"{path}.{key}") for key, item in value.items()}
        case Record(fields=fields) | Table(columns=fields):
            return _record(value, fields, path)
        case Tensor(shape=(), items=items):
            return encode(value.item() if _kinds.kin(value, "torch.Tensor") else value, items, path)
        case Tensor(items=items):
            return _nested(_listed(value), items, path)
        case Column(items=items):
            return encode(value, items, path)
        case Picture():
            return _picture(value, path)
        case UserType(kind=kind, seen=seen):
            inner = seen or Scalar(type=ScalarType.ANY)
            return encode(value.value if kind is ClassKind.ENUM else fields_of(value), inner, path)


def _level(value: Any, of: Scalar) -> JSONScalar:
    """Return a level of a categorical dtype: dates as ISO text, for they are matched as texts."""
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value.isoformat())
    return encode_scalar(value, of)


def _kind_of(value: Any, kinds: tuple[Schema, ...]) -> Schema:
    """Return the one of several schemas that was made from values such as this one."""
    from scaffold.introspect._plain import describe

    described = describe([("$", value)])
    same_type: list[Schema] = [kind for kind in kinds if type(kind) is type(described)]
    if isinstance(described, Scalar):
        alike: list[Schema] = [
            kind for kind in same_type if isinstance(kind, Scalar) and kind.type is described.type
        ]
        same_type = alike or same_type
    if isinstance(described, UserType):
        same_type = [
            k for k in same_type if isinstance(k, UserType) and k.qualname == described.qualname
        ] or same_type
    return (same_type or list(kinds))[0]


def _record(value: Any, fields: tuple[Field, ...], path: str) -> JSONValue:
    items = zip(value.dtype.names, value, strict=True) if _kinds.kin(value, "numpy.void") else value.items()
    by_name = {str(label): item for label, item in items}
    return {
        field.name: encode(by_name[field.name], field.schema, f"{path}.{field.name}")
        for field in fields
        if field.name in by_name
    }


def _listed(value: Any) -> Any:
    if _kinds.is_sparse(value):
        return value.toarray().reshape(value.shape).tolist()
    if _kinds.kin(value, "torch.Tensor"):
        return (value.to_dense() if value.is_sparse else value).detach().cpu().tolist()
    if _kinds.kin(value, "numpy.ndarray") and value.dtype.kind in "Mm":
        return list(value.reshape(-1)) if value.ndim == 1 else [_listed(part) for part in value]
    return value.tolist()


def _nested(value: Any, items: Schema, path: str) -> JSONValue:
    if isinstance(value, list):
        return [_nested(item, items, f"{path}[{i}]") for i, item in enumerate(value)]
    return encode(value, items, path)


def encode_scalar(value: Any, schema: Scalar) -> JSONScalar:
    """Return a scalar as JSON."""
    match schema.type:
        case ScalarType.BOOLEAN:
            return bool(value)
        case ScalarType.INTEGER:
            return int(value)
        case ScalarType.NUMBER:
            return float(value)
        case ScalarType.STRING | ScalarType.DECIMAL | ScalarType.UUID | ScalarType.PERIOD:
            return str(value)
        case ScalarType.DATE:
            return str(value.isoformat())
        case ScalarType.TIME:
            return str(to_jsonable_python(value))
        case ScalarType.DATETIME:
            return _datetime(value)
        case ScalarType.AWARE_DATETIME:
            return f"{_counted(value)}Z" if isinstance(value, int) else _datetime(value)
        case ScalarType.DURATION:
            return _span(value)
        case ScalarType.BYTES:
            return base64.b64encode(bytes(value)).decode("ascii")
        case ScalarType.NULL | ScalarType.ANY:
            return _any(value)


def refuse_infinite(body: JSONValue, path: str = "$") -> JSONValue:
    """Return `body`.

    Raises:
        UnsupportedSampleError: It holds an infinite number.
    """
    if isinstance(body, float) and math.isinf(body):
        raise UnsupportedSampleError(path, f"{body} is not JSON", "Give a sample without infinite numbers.")
    if isinstance(body, dict):
        for name, item in body.items():
            refuse_infinite(item, f"{path}.{name}")
    if isinstance(body, list):
        for i, item in enumerate(body):
            refuse_infinite(item, f"{path}[{i}]")
    return body


def finite(body: JSONValue) -> JSONValue:
    """Return `body` with `null` for infinite numbers."""
    if isinstance(body, float):
        return body if math.isfinite(body) else None
    if isinstance(body, dict):
        return {name: finite(item) for name, item in body.items()}
    return [finite(item) for item in body] if isinstance(body, list) else body


def _datetime(value: Any) -> str:
    """Return a moment in ISO 8601, with nine digits of a second where six would lose some."""
    if isinstance(value, int):
        return _counted(value)
    if _kinds.kin(value, "numpy.datetime64"):
        text = str(value)
        if len(text) == len("2024-06-15T12:00:00.000000001") and not text.endswith("000"):
            return text
        return str(value.astype("datetime64[us]")).removesuffix(".000000")
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        value = value.astimezone(datetime.timezone.utc)  # ISO 8601 has no seconds in an offset
    return str(value.isoformat()).replace("+00:00", "Z")  # as pydantic has it


def _counted(nanoseconds: int) -> str:
    """Return the moment so many nanoseconds after the beginning of 1970, without a zone."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=nanoseconds // 1000)
    return f"{moment.isoformat(timespec='microseconds')}{nanoseconds % 1000:03d}"


def _span(value: Any) -> str:
    """Return a span of time in ISO 8601, with nine digits of a second where six would lose some."""
    if isinstance(value, int):
        count = value
    elif _kinds.kin(value, "numpy.timedelta64"):
        fine = _scalars.has_nanoseconds(value.dtype.name)
        count = (
            int(value.astype("int64"))
            if fine
            else 1000 * int(value.astype("timedelta64[us]").astype("int64"))
        )
    else:
        whole = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        count = 1000 * whole + getattr(value, "nanoseconds", 0)
    if count % 1000 == 0:
        return str(to_jsonable_python(datetime.timedelta(microseconds=count // 1000)))
    seconds, digits = divmod(abs(count), 1_000_000_000)
    return f"{'-' if count < 0 else ''}PT{seconds}.{digits:09d}S"


def duration(value: datetime.timedelta) -> str:
    """Return a span of time in ISO 8601 as pandas reads it: `P1DT2H3M4.5S`."""
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    seconds = value.seconds + value.microseconds / 1e6
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{seconds:.6f}".rstrip("0").rstrip(".")
    return f"{sign}P{value.days}DT{hours}H{minutes}M{text}S"


def _picture(value: Any, path: str) -> str:
    """Return an image as a file without loss: PNG, or TIFF for what PNG cannot hold."""
    file = io.BytesIO()
    try:
        value.save(file, "PNG" if value.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF")
    except OSError as error:
        found = f"no file holds an image of mode {value.mode} without loss"
        raise UnsupportedSampleError(path, found, 'Give it as image.convert("RGB").') from error
    return base64.b64encode(file.getvalue()).decode("ascii")


def _any(value: Any) -> JSONScalar:
    """Return a scalar of no known type."""
    if isinstance(value, enum.Enum):
        return _any(value.value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)
