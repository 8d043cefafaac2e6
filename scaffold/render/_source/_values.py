"""The expressions that convert a checked value to the model's input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import libcst as cst
from typing_extensions import assert_never

from scaffold.render import _code
from scaffold.render._code import Imports, Node, call, code, each, label, name, text
from scaffold.render.kinds import kind_of
from scaffold.spec import (
    Category,
    ClassKind,
    Collection,
    CollectionType,
    Column,
    Dict,
    Either,
    Element,
    Field,
    Interval,
    List,
    ListForm,
    Mapping,
    Missing,
    Moment,
    NumpyScalar,
    NumpyTime,
    Optional,
    Parts,
    Period,
    Picture,
    PythonScalar,
    PythonType,
    Record,
    RecordForm,
    Scalar,
    ScalarType,
    Schema,
    Series,
    SeriesRow,
    Table,
    Tensor,
    TextOf,
    Timedelta,
    Timestamp,
    Tuple,
    UserType,
    Value,
    children,
    fields_of,
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


_BYTEARRAY = PythonScalar(PythonType.BYTEARRAY)


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
            case Scalar():
                return self._scalar(schema, value)
            case Optional(of=inner, missing=missing):
                return self._or_missing(self.of(inner, value, depth), value, missing)
            case List(items=Table() as table):
                return self.table(table, value)
            case List(items=items, form=Series() as form):
                return kind_of(form.container).series(self, form, self._items(items, value, depth))
            case List(items=items, form=form):
                variable = f"item{depth or ''}"
                items_expression = each(self.of(items, variable, depth + 1), variable, value)
                return self._collection(form, items_expression)
            case Either(of=kinds):
                return self._either(kinds, value, depth)
            case Tuple(items=places):
                return _code.parenthesised([self.of(p, f"{value}[{i}]", depth) for i, p in enumerate(places)])
            case Mapping(values=values):
                return self._mapping(values, value, depth)
            case Record() if is_model_dump(schema):
                return self.mapping(schema.fields, value, depth)
            case Record(fields=fields, form=form):
                return self._record(fields, form, value, depth)
            case Tensor():
                return self.array(schema, value)
            case Value(field=field):
                return self.of(field.schema, f"{value}.{field.attribute}", depth)
            case Category() | Parts() | Table() | Column() | Picture() | UserType():
                return code(value)
            case _:
                assert_never(schema)

    def _scalar(self, scalar: Scalar, value: str) -> Node:
        """Return the expression for a scalar; a checked value of nanoseconds is a count of them."""
        match scalar.native:
            case Moment(zone=zone):
                return call(f"{value}.astimezone", self.zone(zone))
            case Timestamp(zone=str(zone)):
                self.imports.whole("pandas", "pd")
                utc = {"tz": text("UTC")} if scalar.nanoseconds else {}
                moment = call("pd.Timestamp", code(value), **utc)
                return call(_code.method(moment, "tz_convert"), text(zone))
            case NumpyScalar(scalar=of):
                self.imports.whole("numpy", "np")
                return call(f"np.{of}", code(value))
            case NumpyTime(unit=unit):
                self.imports.whole("numpy", "np")
                of = "timedelta64" if scalar.type is ScalarType.DURATION else "datetime64"
                return call(f"np.{of}", code(value), text(unit))
            case Period(frequency=frequency):
                self.imports.whole("pandas", "pd")
                return call("pd.Period", code(value), freq=text(frequency))
            case Timestamp() | Timedelta() | Interval() as of_pandas:
                self.imports.whole("pandas", "pd")
                return call(f"pd.{type(of_pandas).__name__}", code(value))
            case PythonScalar(of=python):
                return call(python.value, code(value))
            case None | Element() | TextOf():
                return code(value)  # the array or column that it goes into makes it
            case native:
                assert_never(native)

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
        choice = code(value)
        for kind in reversed([kind for kind in kinds if not is_plain(kind)]):
            checked = self._checked_type(kind)
            test = call("isinstance", code(value), name(checked))
            choice = cst.IfExp(test=test, body=self.of(kind, value, depth), orelse=choice)
        return choice

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
            case Mapping():
                return "dict"
            case List() | Category() | Optional() | Either() | Picture() | UserType():
                return "list"
            case Table() | Tensor() | Value() | Parts() | Column():
                return "list"
            case _:
                assert_never(kind)

    def _or_missing(self, expression: Node, value: str, missing: Missing) -> Node:
        nothing = self.missing(missing)
        return cst.IfExp(test=code(f"{value} is None"), body=nothing, orelse=expression)

    def missing(self, marker: Missing) -> Node:
        """Return the model's value for `null`."""
        match marker:
            case Missing.NAN:
                return call("float", text("nan"))
            case Missing.NA | Missing.NAT:
                self.imports.whole("pandas", "pd")
                return name(f"pd.{marker.value}")
            case Missing.NONE | Missing.MASKED:
                return name("None")

    def _items(self, items: Schema, value: str, depth: int) -> Node:
        """Return the items of a Series within a record."""
        variable = f"item{depth or ''}"
        return code(value) if is_plain(items) else each(self.of(items, variable, depth + 1), variable, value)

    def _collection(self, form: ListForm, items: Node) -> Node:
        if not isinstance(form, Collection) or form.of is CollectionType.LIST:
            return items
        if form.of is CollectionType.DEQUE:
            self.imports.take("collections", "deque")
        return call(form.of.value, items)

    def _mapping(self, values: Schema, value: str, depth: int) -> Node:
        variable = f"item{depth or ''}"
        loop = cst.CompFor(
            target=cst.Tuple(
                [cst.Element(cst.Name("key")), cst.Element(cst.Name(variable))], lpar=[], rpar=[]
            ),
            iter=code(f"{value}.items()"),
        )
        return cst.DictComp(cst.Name("key"), self.of(values, variable, depth + 1), loop)

    def _record(self, fields: tuple[Field, ...], form: RecordForm, value: str, depth: int) -> Node:
        expression = self.mapping(fields, value, depth)
        if isinstance(form, SeriesRow):
            self.imports.whole("pandas", "pd")
            return call("pd.Series", expression, dtype=text(form.dtype))
        return expression

    def mapping(self, fields: tuple[Field, ...], value: str, depth: int = 0) -> Node:
        """Return a dict by the model's names; it has optional fields only if the request has them."""
        record = Record(fields=fields)
        if is_model_dump(record):
            flags = {"by_alias": has_alias(record), "exclude_unset": has_absent(record)}
            return call(f"{value}.model_dump", **{flag: name("True") for flag, on in flags.items() if on})
        items: list[cst.BaseDictElement] = []
        for field in fields:
            key = label(field.name, field.label)
            expression = self.of(field.schema, f"{value}.{field.attribute}", depth)
            if field.required:
                items.append(cst.DictElement(key, expression))
                continue
            is_present = cst.Comparison(
                text(field.attribute), [cst.ComparisonTarget(cst.In(), code(f"{value}.model_fields_set"))]
            )
            entry: Node = cst.Dict([cst.DictElement(key, expression)])
            choice = cst.IfExp(
                test=is_present,
                body=entry,
                orelse=cst.Dict([]),
                lpar=[cst.LeftParen()],
                rpar=[cst.RightParen()],
            )
            items.append(cst.StarredDictElement(choice))
        return cst.Dict(items)

    def array(self, tensor: Tensor, value: str, wrap: Callable[[Node], Node] = lambda node: node) -> Node:
        """Return the array that the nested lists in `value` become; `wrap` makes those of many records."""
        return kind_of(tensor.container).array(self, tensor, value, wrap)

    def nested(self, tensor: Tensor, value: str) -> Node:
        """Return the nested lists that an array is made from."""
        if tensor.dtype != "object":
            return code(value)  # numpy makes its own missing values and dates
        return self.each_item(value, len(tensor.shape), lambda item: self.of(tensor.items, item))

    def each_item(self, value: str, rank: int, make: Callable[[str], Node]) -> Node:
        """Return nested lists with each of their items as `make` writes it."""
        if rank == 0:
            return make(value)
        variable = "item" if rank == 1 else f"row{rank}"
        return each(self.each_item(variable, rank - 1, make), variable, value)

    def numpy_array(self, dtype: str, values: Node) -> Node:
        """Return a numpy array; texts of any length."""
        self.imports.whole("numpy", "np")
        dtype_node = name(dtype) if dtype in ("str", "bytes", "object") else text(dtype)
        return call("np.array", values, dtype=dtype_node)


def is_plain(schema: Schema) -> bool:
    """Whether the model takes a checked value unchanged."""
    match schema:
        case Scalar(native=native):
            return native is None or (isinstance(native, PythonScalar) and native != _BYTEARRAY)
        case Optional(of=inner, missing=missing):
            return missing is Missing.NONE and is_plain(inner)
        case Either(of=kinds):
            return all(is_plain(kind) for kind in kinds)
        case List(items=items, form=form):
            return not isinstance(form, Series) and is_plain(items)
        case Tuple(items=items):
            return all(is_plain(item) for item in items)
        case Mapping(values=values):
            return is_plain(values)
        case UserType() | Picture():
            return True
        case Category() | Column() | Table() | Record() | Tensor() | Parts() | Value():
            return False
        case _:
            assert_never(schema)


def is_model_dump(schema: Schema) -> bool:
    """Whether `model_dump` returns the model's input: plain values in dicts whose keys are strings."""
    match schema:
        case Record(fields=fields, form=Dict()):
            return all(is_model_dump(field.schema) and not field.label for field in fields)
        case Optional(of=inner, missing=missing):
            return missing is Missing.NONE and is_model_dump(inner)
        case List(items=inner, form=form):
            return not isinstance(form, Series) and is_model_dump(inner)
        case Mapping(values=inner):
            return is_model_dump(inner)
        case Either(of=kinds) | Tuple(items=kinds):
            return all(is_model_dump(kind) for kind in kinds)
        case UserType(kind=kind):
            return kind is ClassKind.ENUM
        case Scalar() | Category() | Picture():
            return is_plain(schema)
        case Record() | Table() | Tensor() | Value() | Parts() | Column():
            return False
        case _:
            assert_never(schema)


def has_alias(schema: Schema) -> bool:
    """Whether the name of a field within differs from its attribute."""
    return any(field.name != field.attribute for field in _fields_within(schema))


def has_absent(schema: Schema) -> bool:
    """Whether a field within may be left out."""
    return any(not field.required for field in _fields_within(schema))


def _fields_within(schema: Schema) -> Iterator[Field]:
    """Yield the fields of the objects within a record, but for those of a class of the user's own."""
    if isinstance(schema, UserType):
        return
    yield from fields_of(schema)
    for inner in children(schema):
        yield from _fields_within(inner)
