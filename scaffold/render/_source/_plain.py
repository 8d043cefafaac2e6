"""The function that makes plain values of an answer of objects and arrays, as it stands in `convert.py`."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.render._source._code import Imports
from scaffold.spec import (
    Category,
    Column,
    Either,
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

_LINES = {
    "pydantic": """    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True)""",
    "namedtuple": """    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()""",
    "dataclass": """    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}""",
    "enum": """    if isinstance(value, Enum):
        return value.value""",
    "period": """    if isinstance(value, pd.Period):
        return str(value)""",
    "bytes": """    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()""",
    "image": """    if isinstance(value, PIL.Image.Image):
        file = BytesIO()
        value.save(file, "PNG")
        return b64encode(file.getvalue()).decode()""",
    "moments": """    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "mM":
        value = value.astype(f"{value.dtype.kind}8[us]")  # nanoseconds would become numbers""",
    "nanoseconds of numpy": """    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        return [_plain(item) for item in value]
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = pd.Timestamp(value) if value.dtype.kind == "M" else pd.Timedelta(value)""",
    "nanoseconds": """    # JSON text of a datetime has six digits of a second.
    if isinstance(value, pd.Timestamp) and value.nanosecond:
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, pd.Timedelta) and value.nanoseconds:
        seconds, digits = divmod(abs(value.value), 10**9)
        sign = "-" if value.value < 0 else ""
        return f"{sign}PT{seconds}.{digits:09d}S\"""",
    "missing": """    if value is pd.NA or value is pd.NaT:
        return None""",
    "interval": """    if isinstance(value, pd.Interval):
        return str(value)""",
    "longdouble": """    if isinstance(value, np.longdouble):
        return float(value)""",
    "structured": """    if isinstance(value, np.ndarray) and value.dtype.names:
        value = list(value)
    if isinstance(value, np.void) and value.dtype.names:
        value = {name: value[name] for name in value.dtype.names}""",
    "pandas": """    if isinstance(value, pd.DataFrame):
        value = value.to_dict("records")""",
    "polars": """    if isinstance(value, pl.DataFrame):
        value = value.to_dicts()""",
    "pyarrow": """    if isinstance(value, pa.Table):
        value = value.to_pylist()""",
    "named series": """    if isinstance(value, pd.Series) and all(isinstance(x, str) for x in value.index):
        value = value.to_dict()""",
    "series": """    if isinstance(value, pl.Series):
        value = value.to_list()""",
    "set": """    if isinstance(value, set | frozenset):  # its order is another in each process
        value = sorted(map(_plain, value), key=str)""",
    "sparse": """    if hasattr(value, "toarray"):  # a sparse matrix
        value = value.toarray()""",
}
_IMPORTS = {
    "pydantic": (("pydantic", "BaseModel"),),
    "dataclass": (("dataclasses", "fields"), ("dataclasses", "is_dataclass")),
    "enum": (("enum", "Enum"),),
    "bytes": (("base64", "b64encode"),),
    "image": (("base64", "b64encode"), ("io", "BytesIO")),
}


def plain_function(schema: Schema, imports: Imports) -> str:
    """Return `_plain` with a line for each kind of thing that the model was seen to answer with."""
    kinds = set(_kinds(schema))
    imports.take("collections.abc", "Mapping", "Sequence", "Set")
    imports.take("typing", "Any")
    for kind in kinds & set(_IMPORTS):
        for module, name in _IMPORTS[kind]:
            imports.take(module, name)
    if "image" in kinds:
        imports.whole("PIL.Image")
    if kinds & {"moments", "nanoseconds of numpy", "longdouble", "structured"}:
        imports.whole("numpy", "np")
    if kinds & {"polars", "series"}:
        imports.whole("polars", "pl")
    if "pyarrow" in kinds:
        imports.whole("pyarrow", "pa")
    if kinds & {"missing", "nanoseconds", "period", "interval", "pandas", "named series"}:
        imports.whole("pandas", "pd")
    lines = [
        "def _plain(value: Any) -> Any:",
        '    """Return `value` with all objects and arrays in it as plain dicts and lists."""',
        *(text for kind, text in _LINES.items() if kind in kinds),
        '    if hasattr(value, "tolist"):  # an array, or a number of numpy',
        "        value = value.tolist()",
        "    if isinstance(value, Mapping):",
        "        return {str(key): _plain(item) for key, item in value.items()}",
        "    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes):",
        "        return [_plain(item) for item in value]",
        "    return value",
    ]
    return "\n".join(lines)


def _kinds(schema: Schema) -> Iterator[str]:
    """Yield the kinds of things within an answer that need a line."""
    match schema:
        case UserType(native=native, seen=seen):
            yield native
            if seen is not None:
                yield from _kinds(seen)
        case Scalar(type=ScalarType.BYTES):
            yield "bytes"
        case Scalar(native="interval" | "pandas.Interval"):
            yield "interval"
        case Scalar(type=ScalarType.PERIOD):
            yield from ("period", "missing")
        case Scalar(native="numpy.longdouble" | "numpy.float128" | "float128" | "longdouble"):
            yield "longdouble"
        case Scalar(native=native, nanoseconds=True) if not native.startswith(("Datetime", "Duration")):
            yield from ("nanoseconds", "missing")
            if "64[" in native:
                yield "nanoseconds of numpy"
        case Scalar(native=native) if native.startswith("pandas."):
            yield "missing"
        case Scalar(native=native) if "64[" in native:
            yield from ("moments", "missing")
        case Category(of=of):
            yield from _kinds(of)
        case Picture():
            yield "image"
        case Optional(of=inner, missing=missing):
            yield from ("missing",) if missing in ("NA", "NaT") else ()
            yield from _kinds(inner)
        case Table(native="pandas", columns=columns):
            yield "missing"
            for column in columns:
                yield from _kinds(column.schema)
        case Column(native="pandas", items=inner):
            yield "missing"
            yield from _kinds(inner)
        case Table(native="structured", columns=columns):
            yield "structured"
            for column in columns:
                yield from _kinds(column.schema)
        case Tensor(native=native, items=items):
            yield from ("sparse",) if native not in ("numpy", "torch") else ()
            yield from _kinds(items)
        case List(items=Table(native=native)) if native in _LINES:
            yield from (native, *_kinds(schema.items))
        case List(native=native) if native.startswith("polars.Series["):
            yield from ("series", *_kinds(schema.items))
        case List(native="set" | "frozenset", items=inner):
            yield "set"
            yield from _kinds(inner)
        case List(items=inner) | Mapping(values=inner) | Column(items=inner):
            yield from _kinds(inner)
        case Either(of=parts) | Tuple(items=parts) | Parts(items=parts):
            for part in parts:
                yield from _kinds(part)
        case Record(native="numpy.void", fields=fields):
            yield "structured"
            for field in fields:
                yield from _kinds(field.schema)
        case Record(native=native, fields=fields) if native.startswith("pandas"):
            yield from ("missing", "named series")
            for field in fields:
                yield from _kinds(field.schema)
        case Record(fields=fields) | Table(columns=fields):
            for field in fields:
                yield from _kinds(field.schema)
        case Value(field=field):
            yield from _kinds(field.schema)
        case _:
            return
