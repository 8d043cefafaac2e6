"""Write `schemas.py` of a client: the types of requests and answers as JSON has them, without a check."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from typing_extensions import assert_never

from scaffold.render import _code
from scaffold.render._code import Imports, Node, flat, name, subscript, union
from scaffold.render._source._schemas import MOST_COMMENTED, attributes_in, has_columns
from scaffold.render._source._shapes import fields_of
from scaffold.render._source._types import Types, or_none
from scaffold.spec import (
    Category,
    Column,
    Either,
    Field,
    JSONValue,
    List,
    Mapping,
    Optional,
    Parts,
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
    children,
    description_of,
)

_PLAIN = {
    ScalarType.BOOLEAN: "bool",
    ScalarType.INTEGER: "int",
    ScalarType.NUMBER: "float",
}
_SENT = {
    ScalarType.DECIMAL: ("decimal", "Decimal"),
    ScalarType.UUID: ("uuid", "UUID"),
    ScalarType.DATE: ("datetime", "date"),
    ScalarType.TIME: ("datetime", "time"),
    ScalarType.DATETIME: ("datetime", "datetime"),
    ScalarType.AWARE_DATETIME: ("datetime", "datetime"),
    ScalarType.DURATION: ("datetime", "timedelta"),
    ScalarType.BYTES: ("", "bytes"),
}
"""What a request may have in place of the text that goes over HTTP: the client writes the text."""
_LITERAL = {ScalarType.STRING, ScalarType.PERIOD, ScalarType.INTEGER, ScalarType.BOOLEAN}
_INT = PythonScalar(PythonType.INT)
_IMPORTED = {each for _, each in _SENT.values()} | {"Any", "Literal", "Mapping", "Sequence", "TypedDict"}


def render_wire_schemas(input: Schema, output: Schema) -> str:
    """Return the text of `schemas.py` of a client."""
    imports = Imports()
    attributes = {*attributes_in(input), *attributes_in(output)} - {*_users(input), *_users(output)}
    types = _WireTypes(imports, {"TypeAlias", "annotations", *_IMPORTED, *attributes})
    blocks = _Classes(types, strict=True).blocks(input) + _Classes(types, strict=False).blocks(output)
    aliases = "\n".join(_code.statement(f"{alias} = ", node) for alias, node in types.aliases.items())
    docstring = '"""What goes over HTTP: a record to score, and the answer to it."""'
    start = f"{docstring}\n\nfrom __future__ import annotations\n\n{imports.render()}"
    body = [block for block in (aliases, *blocks) if block]
    gap = "\n\n\n" if body[0].startswith("class ") else "\n\n"
    return f"{start}{gap}{_code.merged(*body)}"


def _users(schema: Schema) -> Iterator[str]:
    """Yield the names of the user's own classes: the client has classes of these names."""
    if isinstance(schema, UserType):
        yield schema.qualname.partition(".")[0]
    for inner in children(schema):
        yield from _users(inner)


class _WireTypes(Types):
    """The types as JSON has them; `strict` is a request, which may hold dates and the like."""

    def of(self, schema: Schema, hint: str, *, strict: bool) -> Node:
        """Return the annotation for `schema`."""
        match schema:
            case Scalar():
                return self._scalar(schema, strict)
            case Category():
                return self._category(schema, hint, strict)
            case Optional(of=inner):
                return or_none(self.of(inner, hint, strict=strict))
            case List(items=items):
                return self._sequence(self.of(items, hint, strict=strict), strict)
            case Tuple(items=places) | Parts(items=places):
                kinds = [self.of(place, hint, strict=strict) for place in places]
                return self._sequence(self._either(kinds) if kinds else self._any(), strict)
            case Tensor(shape=shape, items=items):
                node = self.of(items, hint, strict=strict)
                for _ in shape:
                    node = self._sequence(node, strict)
                return node
            case Mapping(values=values):
                if strict:
                    self.imports.take("collections.abc", "Mapping")
                kind = "Mapping" if strict else "dict"
                return subscript(kind, name("str"), self.of(values, hint, strict=strict))
            case Picture():
                return union([name("bytes"), name("str")]) if strict else name("str")
            case UserType():
                return self._user_type(schema, hint, strict)
            case Record() | Table() | Column() | Value() | Either():
                return super().of(schema, hint, strict=strict)
            case _:
                assert_never(schema)

    def _scalar(self, schema: Scalar, strict: bool) -> Node:
        if schema.choices:
            return self._one_of(schema, schema.choices)
        if schema.type in (ScalarType.NULL, ScalarType.ANY):
            return self._any()
        if strict and schema.type in _SENT:
            module, kind = _SENT[schema.type]
            if module:
                self.imports.take(module, kind)
            return union([name(kind), name("str")])
        if not strict and schema.native == _INT:
            return union([name("int"), name("float")])  # as in the service's schema
        return name(_PLAIN.get(schema.type, "str"))

    def _category(self, schema: Category, hint: str, strict: bool) -> Node:
        if strict and schema.levels:
            return self._aliased(self._one_of(schema.of, schema.levels), hint)
        return self._scalar(schema.of, strict)

    def _user_type(self, schema: UserType, hint: str, strict: bool) -> Node:
        """Return a class with the fields that the sample shows, by the name of the user's class."""
        if isinstance(schema.seen, Record):
            return self._class_of(schema.seen, schema.qualname.rpartition(".")[2], strict)
        return self._any() if schema.seen is None else self.of(schema.seen, hint, strict=strict)

    def _one_of(self, scalar: Scalar, choices: Sequence[JSONValue]) -> Node:
        """Return the choices, or their type where no `Literal` can hold them: fractions, dates."""
        if scalar.type in _LITERAL and all(isinstance(choice, str | int) for choice in choices):
            return self._literal(tuple(choices))
        return self._scalar(dataclasses.replace(scalar, choices=()), strict=True)

    def _sequence(self, items: Node, strict: bool) -> Node:
        if strict:
            self.imports.take("collections.abc", "Sequence")
        return subscript("Sequence" if strict else "list", items)

    def _any(self) -> Node:
        self.imports.take("typing", "Any")
        return name("Any")


class _Classes:
    """Writes the classes of requests (`strict`) or of answers."""

    def __init__(self, types: _WireTypes, *, strict: bool) -> None:
        self.types, self.strict = types, strict
        self.parts: list[str] = []
        """The classes so far, the innermost first."""
        types.write_record = self._add_part

    def blocks(self, schema: Schema) -> list[str]:
        """Return `ModelInput` or `ModelOutput`, after the classes of the objects within it."""
        main = "ModelInput" if self.strict else "ModelOutput"
        words = "One record to score." if self.strict else "The answer to one record."
        if fields := fields_of(schema):
            self._add(main, fields, words, may_be_none=not (self.strict or has_columns(schema)))
        else:
            self.types.imports.take("typing", "TypeAlias")
            node = self.types.of(schema, "value", strict=self.strict)
            self.parts.append(f'{_code.statement(f"{main}: TypeAlias = ", node)}\n"""{words}"""')
        return self.parts

    def _add_part(self, chosen: str, record: Record) -> None:
        self._add(chosen, record.fields, may_be_none=not self.strict)

    def _add(
        self, chosen: str, fields: Sequence[Field], words: str = "", *, may_be_none: bool = False
    ) -> None:
        """Add a class; where fields may be absent, the others are in a class of their own above it."""
        self.types.imports.take("typing", "TypedDict")
        lines = []
        for field in fields:
            node = self.types.of(field.schema, field.attribute, strict=self.strict)
            words_of_field = description_of(field.evidence) if len(fields) <= MOST_COMMENTED else ""
            node = or_none(node) if may_be_none else node
            lines.append(_Key(field.name, node, words_of_field, required=field.required))
        required, absent = (
            [each for each in lines if each.required],
            [each for each in lines if not each.required],
        )
        base = "TypedDict"
        if required and absent:
            self.parts.append(_typed_dict(f"_{chosen}", base, required))
            base = f"_{chosen}"
        self.parts.append(_typed_dict(chosen, base, absent or required, words, total=not absent))


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of a TypedDict."""

    name: str
    node: Node
    words: str
    required: bool


def _typed_dict(chosen: str, base: str, keys: Sequence[_Key], words: str = "", *, total: bool = True) -> str:
    """Return a class; its keys are in a call before it where one of them cannot be the name of a field."""
    docstring = f'    """{words}"""' if words else ""
    types = {word for key in keys for word in re.findall(r"\w+", flat(key.node))}
    called = ""
    # A field that is called like a type would hide the type.
    if all(_code.is_identifier(key.name) and not key.name.startswith("__") for key in keys) and not types & {
        key.name for key in keys
    }:
        bases = base if total else f"{base}, total=False"
        fields = "\n".join(_field(key) for key in keys)
    else:
        called = f"{_call(f'_{chosen}Keys', keys, total=total)}\n\n\n"
        bases = f"_{chosen}Keys" if base == "TypedDict" else f"{base}, _{chosen}Keys"
        fields = ""
    body = "\n\n".join(part for part in (docstring, fields) if part)
    return f"{called}class {chosen}({bases}):\n{body or '    pass'}"


def _field(key: _Key) -> str:
    """Return a field with its docstring."""
    line = _code.statement(f"{key.name}: ", key.node, indent=4)
    if not key.words:
        return line
    escaped = key.words.replace("\\", "\\\\").replace('"', '\\"')
    # A comment's marks are narrower than the quotes: it is wrapped as if it stood further to the right.
    wrapped = _code.comment(escaped, indent=8).splitlines()
    text = "\n    ".join(line.removeprefix(" " * 8 + "# ") for line in wrapped)
    docstring = f'    """{text}"""'
    if "\n" in text or len(docstring) > _code.WIDTH:
        docstring = f'    """{text}\n    """'
    return f"{line}\n{docstring}"


def _call(called: str, keys: Sequence[_Key], *, total: bool) -> str:
    """Return a TypedDict made by a call, whose keys can be any text."""
    lines = []
    for key in keys:
        lines += [_code.comment(key.words, indent=8)] if key.words else []
        lines.append(_code.statement(f"{flat(_code.text(key.name))}: ", key.node, indent=8) + ",")
    is_fit = all(_code.is_identifier(key.name) for key in keys)
    noqa = "  # noqa: UP013  # a field would hide a type" if is_fit else ""
    last = [] if total else ["    total=False,"]
    return "\n".join(
        [f"{called} = TypedDict({noqa}", f'    "{called}",', "    {", *lines, "    },", *last, ")"]
    )
