"""Write `schemas.py`: what a request and its answer look like, typed, with the evidence for each field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from typing_extensions import assert_never

from scaffold.render import _code
from scaffold.render._code import Imports, Node, call, flat
from scaffold.render._source._checks import checks
from scaffold.render._source._example import NO_EXAMPLE
from scaffold.render._source._shapes import fields_of, has_plain_dtype
from scaffold.render._source._types import Types, or_none
from scaffold.render.kinds import kind_of
from scaffold.spec import (
    ClassKind,
    Column,
    Dict,
    Field,
    Mapping,
    Parts,
    Record,
    Schema,
    Standalone,
    Table,
    Tensor,
    UserType,
    Value,
    advice_of,
    children,
    description_of,
)

_STRICT = 'ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)'
_ROOT = "ConfigDict(strict=True, allow_inf_nan=False)"
_OPEN = 'ConfigDict(extra="allow")'
_STRICT_WORDS = "What all parts of a request have in common: unknown fields and wrong types are refused."
_OPEN_WORDS = "What all parts of an answer have in common: other types and more fields go out too."
_DESCRIPTION_WIDTH = _code.WIDTH - len('        description="",')
MOST_COMMENTED = 60
"""A table with more columns of one type has no descriptions: the file would be little else."""


def render_schemas(input: Schema, output: Schema) -> str:
    """Return the text of `schemas.py`, without a record as `EXAMPLE`."""
    imports = Imports()
    taken = {"ModelInput", "ModelOutput", "EXAMPLE", "Strict", "Open"}
    taken |= {*attributes_in(input), *attributes_in(output)}
    types = Types(imports, taken)
    requests = _Side(types, strict=True)
    model_input = requests.main_class(input)
    answers = _Side(types, strict=False)
    model_output = answers.main_class(output)
    blocks = checks(types.checks, imports)
    aliases = "\n".join(_code.statement(f"{alias} = ", node) for alias, node in types.aliases.items())
    body = [*blocks, aliases, *model_input, *model_output, NO_EXAMPLE]
    docstring = '"""What goes over HTTP: a record to score, and the answer to it."""'
    body = [block for block in body if block]
    # One blank line between imports and what is no function or class, as `ruff` has it.
    gap = "\n\n\n" if body[0].startswith(("def ", "class ")) else "\n\n"
    return f"{docstring}\n\n{imports.render(own=types.own.values())}{gap}{_code.merged(*body)}"


def attributes_in(schema: Schema) -> Iterator[str]:
    """Yield the names of all fields, at any depth: a field would hide a class of the same name."""
    for field in fields_of(schema):
        yield field.attribute
    if isinstance(schema, UserType):
        yield schema.qualname.partition(".")[0]
    for inner in children(schema):
        yield from attributes_in(inner)


class _Side:
    """Writes the classes of requests (`strict`) or of answers."""

    def __init__(self, types: Types, *, strict: bool) -> None:
        self.types, self.strict = types, strict
        self.parts: list[str] = []
        """Classes of the objects within the record, the innermost first."""
        types.write_record = self._add_part
        self.name = "ModelInput" if strict else "ModelOutput"
        self.words = "One record to score." if strict else "The answer to one record."
        self.base = "Strict" if strict else "Open"

    def main_class(self, schema: Schema) -> list[str]:
        """Return the blocks that make `ModelInput` or `ModelOutput`."""
        if self.strict and isinstance(schema, UserType):
            return self._own_class(schema)
        if isinstance(schema, Mapping):
            return self._root_class(schema)
        is_checked = self.strict or not _is_plain(schema)
        lines = self._field_lines(fields_of(schema), of_rows=has_columns(schema), checked=is_checked)
        if self.parts:
            return [*self._with_base(), self._class(self.name, self.base, "", lines)]
        self.types.imports.take("pydantic", "BaseModel")
        return [self._class(self.name, "BaseModel", self._config(schema), lines)]

    def _config(self, schema: Schema) -> str:
        if self.strict:
            self.types.imports.take("pydantic", "ConfigDict")
            return f"    model_config = {_STRICT}"
        if _is_plain(schema):
            return ""
        self.types.imports.take("pydantic", "ConfigDict")
        words = "These are the types of the sample's answers: others go out as they are, and more fields too."
        return f"    # {words}\n    model_config = {_OPEN}"

    def _class(self, name: str, base: str, config: str, lines: Sequence[str]) -> str:
        words = f'    """{self.words}"""' if name == self.name else ""
        body = "\n\n".join(part for part in (words, config, "\n".join(lines)) if part)
        return f"class {name}({base}):\n{body or '    pass'}"

    def _add_part(self, name: str, record: Record) -> None:
        lines = self._field_lines(record.fields)
        self.parts.append(self._class(name, self.base, "", lines))

    def _with_base(self) -> list[str]:
        """Return the classes of the objects within the record, below what they have in common."""
        if not self.parts:
            return []
        self.types.imports.take("pydantic", "BaseModel", "ConfigDict")
        words, config = (_STRICT_WORDS, _STRICT) if self.strict else (_OPEN_WORDS, _OPEN)
        return [
            f'class {self.base}(BaseModel):\n    """{words}"""\n\n    model_config = {config}',
            *self.parts,
        ]

    def _root_class(self, schema: Mapping) -> list[str]:
        """Return a model of an object whose keys are data."""
        of = flat(self.types.of(schema, "value", strict=self.strict))
        self.types.imports.take("pydantic", "RootModel")
        config = ""
        if self.strict:
            self.types.imports.take("pydantic", "ConfigDict")
            config = f"    model_config = {_ROOT}"
        return [*self._with_base(), self._class(self.name, f"RootModel[{of}]", config, [])]

    def _own_class(self, schema: UserType) -> list[str]:
        """Return a model around a class of the user's own, which keeps its own rules."""
        of = flat(self.types.of(schema, "value", strict=True))
        own = flat(self.types.own_class(schema))
        self.types.imports.take("pydantic", "RootModel")
        setup, options = [], dict[str, Node]()
        if schema.kind is ClassKind.DATACLASS:
            self.types.imports.take("pydantic", "ConfigDict", "with_config")
            setup = [f"# Unknown fields and wrong types are refused here.\nwith_config({_STRICT})({own})"]
        if schema.kind is ClassKind.NAMEDTUPLE:
            options = {"strict": _code.name("True"), "allow_inf_nan": _code.name("False")}
        if schema.example is not None:
            examples = _code.sequence([_code.value(schema.example)])
            options["json_schema_extra"] = _code.mapping([(_code.text("examples"), examples)])
        config = ""
        if options:
            self.types.imports.take("pydantic", "ConfigDict")
            config = _code.statement("model_config = ", call("ConfigDict", **options), indent=4)
        self.words = f"One record to score: {own} keeps the rules that `{schema.module}` gives it."
        return [*setup, self._class(self.name, f"RootModel[{of}]", config, [])]

    def _field_lines(
        self, fields: Sequence[Field], *, of_rows: bool = False, checked: bool = True
    ) -> list[str]:
        """Return the lines of a class.

        Args:
            fields: Its fields.
            of_rows: An answer's are columns, whose types hold for all.
            checked: Whether a value of another type is refused where one is made.
        """
        fields = [field for field in fields if self.strict or field.required]
        nodes = [self.types.of(field.schema, field.attribute, strict=self.strict) for field in fields]
        if not self.strict and not of_rows:
            # Code that makes objects may leave a place empty in the next one.
            nodes = [or_none(node) for node in nodes]
        if not checked:
            # What the model gives goes out as it is; the type is for the API's page.
            self.types.imports.take("pydantic", "SkipValidation")
            nodes = [_code.code(f"SkipValidation[{flat(node)}]") for node in nodes]
        plain = {flat(node).removesuffix(" | None") for node in nodes}
        commented = len(fields) <= MOST_COMMENTED or len(plain) > 3
        lines = []
        for field, node in zip(fields, nodes, strict=True):
            if commented and (advice := advice_of(field.evidence)):
                lines.append(_code.comment(advice, indent=4))
            description = description_of(field.evidence) if commented else ""
            lines.append(self._field_line(field, node, description))
        return lines

    def _field_line(self, field: Field, node: Node, description: str) -> str:
        keywords: dict[str, Node | None] = {}
        if self.strict and not field.required:
            keywords["default"] = _code.value(field.default)
        if field.attribute != field.name:
            keywords["alias"] = _code.text(field.name)
        if self.strict and field.example is not None and not isinstance(field.schema, Record):
            keywords["examples"] = _code.sequence([_code.value(field.example)])
        if description:
            keywords["description"] = _code.long_text(description, _DESCRIPTION_WIDTH)
        start = f"{field.attribute}: {flat(node)}"
        if not keywords:
            return f"    {start}"
        self.types.imports.take("pydantic", "Field")
        return _code.statement(f"{start} = ", call("Field", **keywords), indent=4)


def _is_plain(schema: Schema) -> bool:
    """Whether an answer is one plain value, whose type is that of an array or Series."""
    return isinstance(schema, Value) and has_plain_dtype(schema.field.schema)


def has_columns(schema: Schema) -> bool:
    """Whether an answer is taken out of an array or frame, which has a type for all of its rows."""
    match schema:
        case Value(field=field):
            return isinstance(field.schema, Tensor | Column | Parts)
        case Table(container=container):
            return not kind_of(container).is_list
        case Record(form=form):
            return form != Dict()
        case Standalone() | Tensor() | Parts() | Column():
            return False
        case _:
            assert_never(schema)
