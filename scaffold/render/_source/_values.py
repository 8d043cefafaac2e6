"""The expression that makes of a checked value what the model is given for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import libcst as cst

from scaffold.render._source import _code
from scaffold.render._source._code import Imports, Node, call, code, each, label, name, text
from scaffold.spec import (
    Category,
    Column,
    Either,
    Field,
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

_AWARE = re.compile(r"(?P<of>datetime|pandas\.Timestamp)\[(?P<zone>.+)\]")
_PLAIN = frozenset(
    (
        "",
        "int",
        "float",
        "str",
        "bool",
        "bytes",
        "Decimal",
        "UUID",
        "date",
        "time",
        "aware time",
        "datetime",
        "timedelta",
    )
)
_CHECKED = {
    ScalarType.BOOLEAN: ("", "bool"),
    ScalarType.INTEGER: ("", "int"),
    ScalarType.NUMBER: ("", "float"),
    ScalarType.STRING: ("", "str"),
    ScalarType.BYTES: ("", "bytes"),
    ScalarType.PERIOD: ("", "str"),
    ScalarType.DATE: ("datetime", "date"),
    ScalarType.TIME: ("datetime", "time"),
    ScalarType.DATETIME: ("datetime", "datetime"),
    ScalarType.AWARE_DATETIME: ("datetime", "datetime"),
    ScalarType.DURATION: ("datetime", "timedelta"),
}
"""The type of a checked value, and the module that it comes from."""
_SERIES = re.compile(r"(pandas|polars)\.Series\[(.+)\]")
_MISSING = {"nan": "float('nan')", "NA": "pd.NA", "NaT": "pd.NaT"}


class Values:
    """Writes the expressions of one `convert.py`, and collects what they import."""

    def __init__(self, imports: Imports) -> None:
        self.imports = imports
        self.table: Callable[[Table, str], Node]
        """Writes a table that is one value; set by `Frames`."""

    def of(self, schema: Schema, value: str, depth: int = 0) -> Node:
        """Return the expression for the Python in `value`, which holds a checked value of `schema`."""
        if is_plain(schema):
            return code(value)
        match schema:
            case Scalar(native=native, nanoseconds=nanoseconds):
                return self._scalar(native, value, counted=nanoseconds)
            case Optional(of=inner, missing=missing):
                return self._or_missing(self.of(inner, value, depth), value, missing)
            case List(items=Table() as table):
                return self.table(table, value)
            case List(items=items, native=native) if series := _SERIES.fullmatch(native):
                return self._series(items, series[1], series[2], value, depth)
            case List(items=items, native=native):
                variable = f"item{depth or ''}"
                made = each(self.of(items, variable, depth + 1), variable, value)
                return made if native == "list" else self._collection(native, made)
            case Either(of=kinds):
                return self._either(kinds, value, depth)
            case Tuple(items=places):
                return _code.parenthesised([self.of(p, f"{value}[{i}]", depth) for i, p in enumerate(places)])
            case Mapping(values=values):
                return self._mapping(values, value, depth)
            case Record() if dumps(schema):
                return self.mapping(schema.fields, value, depth)
            case Record(fields=fields, native=native):
                return self._record(fields, native, value, depth)
            case Tensor():
                return self.array(schema, self.nested(schema, value))
            case Value(field=field):
                return self.of(field.schema, f"{value}.{field.attribute}", depth)
            case _:
                return code(value)

    def _scalar(self, native: str, value: str, *, counted: bool) -> Node:
        """Return the expression for a scalar; `counted` where the checked value is a count of nanoseconds."""
        if found := _AWARE.fullmatch(native):
            if found["of"] == "datetime":
                return call(f"{value}.astimezone", self.zone(found["zone"]))
            self.imports.whole("pandas", "pd")
            utc = {"tz": text("UTC")} if counted else {}
            moment = call("pd.Timestamp", code(value), **utc)
            return call(_code.method(moment, "tz_convert"), text(found["zone"]))
        library, _, of = native.partition(".")
        if library == "numpy":
            self.imports.whole("numpy", "np")
            if unit := re.fullmatch(r"(datetime64|timedelta64)\[(.+)\]", of):
                return call(f"np.{unit[1]}", code(value), text(unit[2]))
            return call(f"np.{of}", code(value))
        if library == "pandas":
            self.imports.whole("pandas", "pd")
            if period := re.fullmatch(r"Period\[(.+)\]", of):
                return call("pd.Period", code(value), freq=text(period[1]))
            return call(f"pd.{of}", code(value))
        return call(native, code(value))

    def zone(self, zone: str) -> Node:
        """Return the time zone by its name."""
        if zone == "UTC":
            self.imports.take("datetime", "timezone")
            return name("timezone.utc")
        if offset := re.fullmatch(r"UTC([+-])(\d\d):(\d\d)", zone):
            self.imports.take("datetime", "timedelta", "timezone")
            sign = "-" if offset[1] == "-" else ""
            return code(f"timezone({sign}timedelta(hours={int(offset[2])}, minutes={int(offset[3])}))")
        self.imports.take("zoneinfo", "ZoneInfo")
        return call("ZoneInfo", text(zone))

    def _either(self, kinds: tuple[Schema, ...], value: str, depth: int) -> Node:
        """Return a choice by the type of the checked value, for those kinds that are not plain."""
        made = code(value)
        for kind in reversed([kind for kind in kinds if not is_plain(kind)]):
            checked = self._checked_type(kind)
            test = call("isinstance", code(value), name(checked))
            made = cst.IfExp(test=test, body=self.of(kind, value, depth), orelse=made)
        return made

    def _checked_type(self, kind: Schema) -> str:
        """Return the type that a value of this kind has once it is checked."""
        match kind:
            case Scalar(nanoseconds=True):
                return "int"
            case Scalar(type=type_):
                module, checked = _CHECKED[type_]
                if module:
                    self.imports.take(module, checked)
                return checked
            case Tuple():
                return "tuple"
            case Record():
                self.imports.take("pydantic", "BaseModel")
                return "BaseModel"
            case _:
                return "list"

    def _or_missing(self, made: Node, value: str, missing: str) -> Node:
        nothing = self.missing(missing)
        return cst.IfExp(test=code(f"{value} is None"), body=nothing, orelse=made)

    def missing(self, marker: str) -> Node:
        """Return what the model is given for `null`."""
        if marker in ("NA", "NaT"):
            self.imports.whole("pandas", "pd")
        return call("float", text("nan")) if marker == "nan" else name(_MISSING.get(marker, "None"))

    def _series(self, items: Schema, library: str, dtype: str, value: str, depth: int) -> Node:
        variable = f"item{depth or ''}"
        made = code(value)
        if not is_plain(items):
            made = each(self.of(items, variable, depth + 1), variable, value)
        if library == "polars":
            self.imports.whole("polars", "pl")
            return call("pl.Series", made, dtype=code(f"pl.{dtype}"))
        self.imports.whole("pandas", "pd")
        return call("pd.Series", made, dtype=text(dtype))

    def _collection(self, native: str, made: Node) -> Node:
        if native == "deque":
            self.imports.take("collections", "deque")
        return call(native, made)

    def _mapping(self, values: Schema, value: str, depth: int) -> Node:
        variable = f"item{depth or ''}"
        loop = cst.CompFor(
            target=cst.Tuple(
                [cst.Element(cst.Name("key")), cst.Element(cst.Name(variable))], lpar=[], rpar=[]
            ),
            iter=code(f"{value}.items()"),
        )
        return cst.DictComp(cst.Name("key"), self.of(values, variable, depth + 1), loop)

    def _record(self, fields: tuple[Field, ...], native: str, value: str, depth: int) -> Node:
        made = self.mapping(fields, value, depth)
        if found := re.fullmatch(r"pandas\.Series\[(.+)\]", native):
            self.imports.whole("pandas", "pd")
            return call("pd.Series", made, dtype=text(found[1]))
        return made

    def mapping(self, fields: tuple[Field, ...], value: str, depth: int = 0) -> Node:
        """Return a dict by the model's names; fields that may be absent are there if the request has them."""
        record = Record(fields=fields)
        if dumps(record):
            flags = {"by_alias": has_alias(record), "exclude_unset": has_absent(record)}
            return call(f"{value}.model_dump", **{flag: name("True") for flag, on in flags.items() if on})
        items: list[cst.BaseDictElement] = []
        for field in fields:
            key = label(field.name, field.label)
            made = self.of(field.schema, f"{value}.{field.attribute}", depth)
            if field.required:
                items.append(cst.DictElement(key, made))
                continue
            given = cst.Comparison(
                text(field.attribute), [cst.ComparisonTarget(cst.In(), code(f"{value}.model_fields_set"))]
            )
            some: Node = cst.Dict([cst.DictElement(key, made)])
            choice = cst.IfExp(
                test=given, body=some, orelse=cst.Dict([]), lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
            )
            items.append(cst.StarredDictElement(choice))
        return cst.Dict(items)

    def nested(self, schema: Tensor, value: str) -> Node:
        """Return the nested lists that an array is made from."""
        if schema.dtype == "object":
            return self._deeper(schema.items, value, len(schema.shape))
        if schema.native == "torch" and isinstance(schema.items, Optional):
            gaps = Optional(of=Scalar(type=ScalarType.NUMBER), missing="nan")
            return self._deeper(gaps, value, len(schema.shape))
        return code(value)  # numpy makes its own missing values and dates

    def _deeper(self, items: Schema, value: str, rank: int) -> Node:
        if rank == 0:
            return self.of(items, value)
        variable = "item" if rank == 1 else f"row{rank}"
        return each(self._deeper(items, variable, rank - 1), variable, value)

    def array(self, schema: Tensor, values: Node) -> Node:
        """Return the array of `schema.dtype` that nested lists become."""
        if schema.native == "torch":
            self.imports.whole("torch")
            return call("torch.tensor", values, dtype=name(f"torch.{schema.dtype}"))
        self.imports.whole("numpy", "np")
        if schema.native == "numpy":
            return self.numpy_array(schema.dtype, values)
        self.imports.take("scipy.sparse", schema.native)
        return call(schema.native, call("np.array", values, dtype=text(schema.dtype)))

    def numpy_array(self, dtype: str, values: Node) -> Node:
        """Return a numpy array; texts of any length."""
        self.imports.whole("numpy", "np")
        written = name(dtype) if dtype in ("str", "bytes", "object") else text(dtype)
        return call("np.array", values, dtype=written)


def is_plain(schema: Schema) -> bool:
    """Whether a checked value is already what the model is given."""
    match schema:
        case Scalar(native=native):
            return native in _PLAIN
        case Optional(of=inner, missing=missing):
            return missing == "None" and is_plain(inner)
        case Either(of=kinds):
            return all(is_plain(kind) for kind in kinds)
        case List(items=items, native=native):
            return "[" not in native and is_plain(items)
        case Tuple(items=items):
            return all(is_plain(item) for item in items)
        case Mapping(values=values):
            return is_plain(values)
        case UserType() | Picture():
            return True
        case Category() | Column() | Table() | Record() | Tensor() | Parts() | Value():
            return False


def dumps(schema: Schema) -> bool:
    """Whether `model_dump` makes what the model is given: plain values in dicts, all names being texts."""
    match schema:
        case Record(fields=fields, native="dict"):
            return all(dumps(field.schema) and not field.label for field in fields)
        case Optional(of=inner, missing=missing):
            return missing == "None" and dumps(inner)
        case List(items=inner, native=native):
            return "[" not in native and dumps(inner)
        case Mapping(values=inner):
            return dumps(inner)
        case Either(of=kinds) | Tuple(items=kinds):
            return all(dumps(kind) for kind in kinds)
        case UserType(native=native):
            return native == "enum"
        case _:
            return is_plain(schema)


def has_alias(schema: Schema) -> bool:
    """Whether a field within goes by another name than its attribute."""
    return any(field.name != field.attribute for field in _fields_within(schema))


def has_absent(schema: Schema) -> bool:
    """Whether a field within may be left out."""
    return any(not field.required for field in _fields_within(schema))


def _fields_within(schema: Schema) -> Iterator[Field]:
    match schema:
        case Record(fields=fields):
            for field in fields:
                yield field
                yield from _fields_within(field.schema)
        case Optional(of=inner) | List(items=inner) | Mapping(values=inner):
            yield from _fields_within(inner)
        case Either(of=kinds) | Tuple(items=kinds):
            for kind in kinds:
                yield from _fields_within(kind)
        case _:
            return
