"""The annotation for each schema, with the aliases, checks and imports that it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import libcst as cst
from typing_extensions import assert_never

from scaffold.render import _code
from scaffold.render._code import Imports, Node, call, code, name, subscript, union
from scaffold.render._source._moments import moments_in
from scaffold.spec import (
    Category,
    Collection,
    CollectionType,
    Column,
    Either,
    JSONValue,
    List,
    Mapping,
    Missing,
    Optional,
    Parts,
    Period,
    Picture,
    PythonScalar,
    PythonType,
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

_FLOAT_NAMES = {65504.0: "Float16", 3.3895313892515355e38: "BFloat16", 3.4028234663852886e38: "Float32"}

_RESERVED = frozenset(
    """
    Any Annotated Literal Decimal UUID Field ConfigDict BaseModel RootModel AfterValidator BeforeValidator
    PlainValidator WithJsonSchema NaiveDatetime AwareDatetime BytesIO PIL MAX_PIXELS Date Datetime Base64
    NanoDatetime NanoZonedDatetime NanoTimedelta TypeAdapter
    ZonedDatetime Exact ValidationInfo PydanticCustomError Image ModelInput ModelOutput Strict Open
    Float16 BFloat16 Float32 Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 None True False
    """.split()  # noqa: SIM905
)
"""Names that mean something else in `schemas.py`."""

_CHECKED = {
    ScalarType.DECIMAL: "Exact",
    ScalarType.DATE: "Date",
    ScalarType.DATETIME: "Datetime",
    ScalarType.AWARE_DATETIME: "ZonedDatetime",
    ScalarType.BYTES: "Base64",
}
"""Types of the input that need a check of their own: name of the alias in `schemas.py`."""

_NANO = {
    ScalarType.DATETIME: ("NanoDatetime", "Datetime"),
    ScalarType.AWARE_DATETIME: ("NanoZonedDatetime", "ZonedDatetime"),
    ScalarType.DURATION: ("NanoTimedelta", "timedelta"),
}
"""Alias for values that count nanoseconds, and the type that checks their text."""

_BUILTIN = {
    ScalarType.BOOLEAN: "bool",
    ScalarType.INTEGER: "int",
    ScalarType.NUMBER: "float",
    ScalarType.STRING: "str",
    ScalarType.BYTES: "str",
    ScalarType.PERIOD: "str",
}
_STANDARD = {
    ScalarType.DECIMAL: ("decimal", "Decimal"),
    ScalarType.UUID: ("uuid", "UUID"),
    ScalarType.DATE: ("datetime", "date"),
    ScalarType.TIME: ("datetime", "time"),
    ScalarType.DATETIME: ("datetime", "datetime"),
    ScalarType.AWARE_DATETIME: ("datetime", "datetime"),
    ScalarType.DURATION: ("datetime", "timedelta"),
    ScalarType.NULL: ("typing", "Any"),
    ScalarType.ANY: ("typing", "Any"),
}


class Types:
    """Collects what the annotations of one `schemas.py` need."""

    def __init__(self, imports: Imports, taken: set[str]) -> None:
        self.imports = imports
        self.aliases: dict[str, Node] = {}
        self.checks: set[str] = set()
        """Names of the ready-made checks in `_checks`."""
        self.records: dict[str, tuple[bool, Record]] = {}
        """Classes for the objects within records, by name: of a request (`True`) or an answer."""
        self.write_record: Callable[[str, Record], None] = lambda *_: None
        """Called for each of them."""
        self.own: dict[str, str] = {}
        """Classes of the user's: module by name."""
        self._taken = taken | _RESERVED

    def of(self, schema: Schema, hint: str, *, strict: bool) -> Node:
        """Return the annotation for `schema`.

        Args:
            schema: What to annotate.
            hint: Name of the field, from which a class or alias takes its own.
            strict: Whether the value is part of a request, and so is checked.
        """
        match schema:
            case Scalar():
                return self._scalar(schema, strict)
            case Category():
                return self._category(schema, hint, strict)
            case Optional(of=inner, missing=missing):
                node = self.of(inner, hint, strict=strict)
                if not strict and missing is Missing.NAN and not _is_number(inner):
                    # The model says with a NaN that there is no text; it leaves as null.
                    node = union([node, name("float")])
                return node if is_any(node) else union([node, name("None")])
            case Either(of=kinds):
                return self._either([self.of(kind, hint, strict=strict) for kind in kinds])
            case List(items=items, length=length, form=form):
                of = form.of if strict and isinstance(form, Collection) else CollectionType.LIST
                return self._list(self.of(items, hint, strict=strict), length, of)
            case Tuple(items=places):
                return self._places([self.of(place, hint, strict=strict) for place in places])
            case Parts(items=places):
                return self._places([self.of(place, hint, strict=strict) for place in places])
            case Mapping(values=values, keys=keys):
                return subscript(
                    "dict", self.of(keys, hint, strict=strict), self.of(values, hint, strict=strict)
                )
            case Record():
                return self._record(schema, hint, strict)
            case Table(columns=columns):
                return self._record(Record(fields=columns), hint, strict)
            case Tensor():
                return self._tensor(schema, hint, strict)
            case Column(items=items):
                return self.of(items, hint, strict=strict)
            case Value(field=field):
                return self.of(field.schema, hint, strict=strict)
            case Picture() if not strict:
                return name("str")
            case Picture():
                self.checks.add("Image")
                return name("Image")
            case UserType():
                return self._user_type(schema, hint, strict)
            case _:
                assert_never(schema)

    def _scalar(self, schema: Scalar, strict: bool) -> Node:
        if schema.choices and schema.type is ScalarType.STRING:
            return self._literal(schema.choices)
        if schema.choices and strict:
            return self._one_of(schema, schema.choices)
        if strict and schema.constraints:
            return self._constrained(schema)
        if strict and schema.nanoseconds:
            return self._nanoseconds(schema)
        if strict and schema.type is ScalarType.PERIOD:
            return self._period(schema)
        if strict and schema.type in _CHECKED:
            self.checks.add(_CHECKED[schema.type])
            return name(_CHECKED[schema.type])
        if strict and schema.type is ScalarType.STRING and schema.max_length is not None:
            self.imports.take("typing", "Annotated")
            self.imports.take("pydantic", "Field")
            return subscript("Annotated", name("str"), call("Field", max_length=code(str(schema.max_length))))
        if strict and schema.maximum is not None:
            return self._bounded_number(schema)
        if not strict and schema.native == _INT:
            # A sample of plain integers is no promise that the next answer is one.
            return union([name("int"), name("float")])
        if schema.type in _STANDARD:
            module, standard = _STANDARD[schema.type]
            self.imports.take(module, standard)
            return name(standard)
        return name(_BUILTIN[schema.type])

    def _constrained(self, schema: Scalar) -> Node:
        """Return a number or text with what its annotation asks for."""
        self.imports.take("typing", "Annotated")
        self.imports.take("pydantic", "Field")
        limits = {argument: _code.value(limit) for argument, limit in schema.constraints}
        return subscript("Annotated", name(_BUILTIN[schema.type]), call("Field", **limits))

    def _bounded_number(self, schema: Scalar) -> Node:
        """Return the alias for a number that its dtype bounds."""
        assert schema.maximum is not None
        if schema.type is ScalarType.NUMBER:
            alias, most = _FLOAT_NAMES[schema.maximum], _code.number(schema.maximum)
            of, least = "float", f"-{most}"
        else:
            bits = int(schema.maximum).bit_length() + (1 if schema.minimum else 0)
            alias = f"Int{bits}" if schema.minimum else f"UInt{bits}"
            of = "int"
            least, most = (f"-(2**{bits - 1})", f"2**{bits - 1}") if schema.minimum else ("0", f"2**{bits}")
        self.imports.take("typing", "Annotated")
        self.imports.take("pydantic", "Field")
        bound = {"ge": code(least), "lt" if of == "int" else "le": code(most)}
        self.aliases[alias] = subscript("Annotated", name(of), call("Field", **bound))
        return name(alias)

    def _nanoseconds(self, schema: Scalar) -> Node:
        """Return the alias for moments and spans of time with nine digits of a second."""
        alias, of = _NANO[schema.type]
        format_ = "duration" if schema.type is ScalarType.DURATION else "date-time"
        if of in _CHECKED.values():
            self.checks.add(of)
        else:
            self.imports.take("datetime", of)
        self.checks.add("nanoseconds")
        self.imports.take("typing", "Annotated")
        self.imports.take("pydantic", "WithJsonSchema")
        shown = call("WithJsonSchema", code(f'{{"type": "string", "format": "{format_}"}}'))
        self.aliases[alias] = subscript("Annotated", name("int"), call("_nanoseconds", name(of)), shown)
        return name(alias)

    def _period(self, schema: Scalar) -> Node:
        """Return a text that is a period of the frequency that the dtype has."""
        frequency = schema.native.frequency if isinstance(schema.native, Period) else "D"
        self.imports.take("typing", "Annotated")
        self.checks.add("period")
        return subscript("Annotated", name("str"), call("_period", _code.text(frequency)))

    def _literal(self, choices: tuple[object, ...]) -> Node:
        self.imports.take("typing", "Literal")
        return subscript("Literal", *[_code.value(choice) for choice in choices])  # type: ignore[arg-type]

    def _category(self, schema: Category, hint: str, strict: bool) -> Node:
        if not strict:
            return self.of(schema.of, hint, strict=False)
        if not schema.levels:
            return self._scalar(schema.of, strict)
        if schema.of.type in (ScalarType.STRING, ScalarType.PERIOD):
            return self._aliased(self._literal(schema.levels), hint)
        return self._aliased(self._one_of(schema.of, schema.levels), hint)

    def _one_of(self, scalar: Scalar, choices: Sequence[JSONValue]) -> Node:
        """Return numbers or dates of which only some are allowed: `Literal` would take `true` for 1."""
        plain = self._scalar(Scalar(type=scalar.type), strict=True)
        self.imports.take("typing", "Annotated")
        self.checks.add("one_of")
        return subscript("Annotated", plain, call("_one_of", _code.sequence(map(_code.value, choices))))

    def _aliased(self, node: Node, hint: str) -> Node:
        """Return `node`, or the name of an alias above the classes if `node` is long."""
        if len(_code.flat(node)) <= 56:
            return node
        alias = self._free(class_name(hint))
        self.aliases[alias] = node
        return name(alias)

    def _either(self, nodes: list[Node]) -> Node:
        """Return a union without repetitions; `Any` takes them all."""
        unique = {_code.flat(node): node for node in nodes}
        if "Any" in unique:
            return unique["Any"]
        return union(list(unique.values()))

    def _list(self, items: Node, length: int | None, of: CollectionType) -> Node:
        match of:
            case CollectionType.TUPLE:
                node = subscript("tuple", items, code("..."))
            case CollectionType.DEQUE:
                node = self._deque(items)
            case CollectionType.LIST | CollectionType.SET | CollectionType.FROZENSET:
                node = subscript(of.value, items)
        return node if length is None else self._sized(node, length)

    def _deque(self, items: Node) -> Node:
        self.imports.take("collections", "deque")
        return subscript("deque", items)

    def _sized(self, node: Node, length: int) -> Node:
        self.imports.take("typing", "Annotated")
        self.imports.take("pydantic", "Field")
        exact = code(str(length))
        return subscript("Annotated", node, call("Field", min_length=exact, max_length=exact))

    def _places(self, nodes: list[Node]) -> Node:
        return subscript("tuple", *nodes) if nodes else code("tuple[()]")

    def _record(self, schema: Record, hint: str, strict: bool) -> Node:
        return self._class_of(schema, class_name(hint), strict)

    def _class_of(self, schema: Record, preferred: str, strict: bool) -> Node:
        for existing_name, (side, other) in self.records.items():
            if side == strict and other.fields == schema.fields:
                return name(existing_name)
        chosen = self._free(preferred)
        self.records[chosen] = (strict, schema)
        # Right away, so that the classes within it are written before it.
        self.write_record(chosen, schema)
        return name(chosen)

    def _tensor(self, schema: Tensor, hint: str, strict: bool) -> Node:
        node = self.of(schema.items, hint, strict=strict)
        for axis in range(len(schema.shape), 0, -1):
            node = subscript("list", node)
            if strict:
                node = self._sized(node, schema.shape[axis - 1])
            if strict and axis > 1:
                alias = {1: "Row", 2: "Plane", 3: "Volume"}.get(len(schema.shape) - axis + 1, f"Axis{axis}")
                alias = self._free(alias, node)
                self.aliases[alias] = node
                node = name(alias)
        return node

    def _user_type(self, schema: UserType, hint: str, strict: bool) -> Node:
        if not strict:
            return (
                self.of(schema.seen, hint, strict=False) if schema.seen else self.of(_ANY, hint, strict=False)
            )
        moments = moments_in(schema)
        own = self.own_class(schema)
        if not moments:
            return own
        self.checks.add("moments")
        self.imports.take("typing", "Annotated")
        zoned = _code.mapping(
            (_code.parenthesised(list(map(_code.text, path))), name(str(aware)))
            for path, aware in moments.items()
        )
        node = subscript("Annotated", own, call("_moments", zoned))
        return self._aliased(node, f"checked_{_snake(schema.qualname)}")

    def own_class(self, schema: UserType) -> Node:
        """Return the name of a class of the user's own."""
        top, _, rest = schema.qualname.partition(".")
        self.own[top] = schema.module
        self.imports.take(schema.module, top)
        return name(f"{top}.{rest}" if rest else top)

    def _free(self, preferred: str, node: Node | None = None) -> str:
        """Return the name `preferred`, with a number if the name is already in use."""
        chosen, count = preferred, 1
        while chosen in self._taken or chosen in self.records or self._is_other(chosen, node):
            count += 1
            chosen = f"{preferred}{count}"
        return chosen

    def _is_other(self, alias: str, node: Node | None) -> bool:
        existing = self.aliases.get(alias)
        return existing is not None and (node is None or _code.flat(existing) != _code.flat(node))


_ANY = Scalar(type=ScalarType.ANY)
_INT = PythonScalar(PythonType.INT)


def is_any(node: Node) -> bool:
    """Whether the annotation takes every value."""
    return isinstance(node, cst.Name) and node.value == "Any"


def _is_number(schema: Schema) -> bool:
    return isinstance(schema, Scalar) and (schema.type is ScalarType.NUMBER or schema.native == _INT)


def or_none(node: Node) -> Node:
    """Return the annotation for what `node` takes, or `None`."""
    return node if is_any(node) or _code.flat(node).endswith("| None") else union([node, name("None")])


def _snake(qualname: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\\.", "_", qualname).lower()


def class_name(hint: str) -> str:
    """Return the name of the class for the objects in a field: those of `line_items` are of `LineItem`."""
    joined = "".join(word[0].upper() + word[1:] for word in hint.split("_") if word) or "Part"
    if joined.endswith("ies") and len(joined) > 4:
        return f"{joined[:-3]}y"
    if joined.endswith("s") and not joined.endswith(("ss", "us", "is")) and len(joined) > 3:
        return joined[:-1]
    return joined
