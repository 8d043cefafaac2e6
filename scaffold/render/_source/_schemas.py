"""Write `schemas.py`: what a request and its answer look like, typed, with the evidence above each field."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from scaffold.render._source import _code
from scaffold.render._source._checks import checks
from scaffold.render._source._code import Imports, Node, call, flat
from scaffold.render._source._shapes import fields_of, is_object
from scaffold.render._source._types import Types
from scaffold.spec import Field, Mapping, Record, Schema, UserType

_STRICT = 'ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)'
_MOST_COMMENTED = 60
"""A table with more columns of one type says nothing above each: the file would be all comments."""


def render_schemas(input: Schema, output: Schema) -> str:
    """Return the text of `schemas.py`."""
    imports = Imports()
    types = Types(
        imports,
        taken={"ModelInput", "ModelOutput", "Strict", "Open", *_attributes(input), *_attributes(output)},
    )
    model_input = _input_class(input, types)
    input_records = _records(types, strict=True)
    known = set(types.records)
    model_output = _output_class(output, types)
    output_records = _records(types, strict=False, known=known)
    blocks = checks(types.checks, imports)
    aliases = "\n".join(_code.statement(f"{alias} = ", node) for alias, node in types.aliases.items())
    body = [*blocks, aliases, *input_records, *model_input, *output_records, model_output]
    docstring = '"""What goes over HTTP: a record to score, and the answer to it."""'
    return _code.merged(f"{docstring}\n\n{imports.render(own=types.own.values())}", *body)


def _attributes(schema: Schema) -> set[str]:
    return {field.attribute for field in fields_of(schema)}


def _records(types: Types, *, strict: bool, known: Collection[str] = ()) -> list[str]:
    """Return the classes of the objects within the record, the innermost first."""
    blocks: list[str] = []
    done: dict[str, str] = {}
    while pending := [n for n in types.records if n not in known and n not in done]:
        for record_name in pending:
            done[record_name] = _record_class(record_name, types.records[record_name], types, strict=strict)
    if done:
        base = "Strict" if strict else "Open"
        types.imports.take("pydantic", "BaseModel", "ConfigDict")
        config = _STRICT if strict else 'ConfigDict(extra="allow")'
        why = '"""What all parts of a request have in common: unknown fields and wrong types are refused."""'
        if not strict:
            why = '"""What all parts of an answer have in common: what the model adds goes out too."""'
        blocks.append(f"class {base}(BaseModel):\n    {why}\n\n    model_config = {config}")
    return blocks + [done[n] for n in reversed(list(done))]


def _record_class(class_name: str, record: Record, types: Types, *, strict: bool) -> str:
    base = "Strict" if strict else "Open"
    lines = _field_lines(record.fields, types, strict=strict)
    return f"class {class_name}({base}):\n" + "\n".join(lines or ["    pass"])


def _input_class(schema: Schema, types: Types) -> list[str]:
    """Return the blocks that make `ModelInput`."""
    types.imports.take("pydantic", "ConfigDict")
    if isinstance(schema, UserType) and schema.native != "enum":
        return _own_class(schema, types)
    if isinstance(schema, Mapping):
        types.imports.take("pydantic", "RootModel")
        of = flat(types.of(schema, "value", strict=True))
        config = "ConfigDict(strict=True, allow_inf_nan=False)"
        return [
            f'class ModelInput(RootModel[{of}]):\n    """One record to score."""\n\n    model_config = {config}'
        ]
    types.imports.take("pydantic", "BaseModel")
    fields = fields_of(schema)
    lines = _field_lines(fields, types, strict=True)
    head = f'class ModelInput(BaseModel):\n    """One record to score."""\n\n    model_config = {_STRICT}'
    return ["\n\n".join([head, "\n".join(lines)]) if lines else head]


def _own_class(schema: UserType, types: Types) -> list[str]:
    """Return a model around a class of the user's own, which keeps its own rules."""
    of = flat(types.of(schema, "value", strict=True))
    types.imports.take("pydantic", "RootModel")
    words = f'"""One record to score: {of} keeps the rules that `{schema.module}` gives it."""'
    if schema.native == "pydantic":
        return [f"class ModelInput(RootModel[{of}]):\n    {words}"]
    if schema.native == "dataclass":
        types.imports.take("pydantic", "with_config")
        setup = f"# Unknown fields and wrong types are refused here.\nwith_config({_STRICT})({of})"
        return [setup, f"class ModelInput(RootModel[{of}]):\n    {words}"]
    config = "ConfigDict(strict=True, allow_inf_nan=False)"
    return [f"class ModelInput(RootModel[{of}]):\n    {words}\n\n    model_config = {config}"]


def _output_class(schema: Schema, types: Types) -> str:
    types.imports.take("pydantic", "BaseModel")
    head = 'class ModelOutput(BaseModel):\n    """The answer to one record."""'
    if isinstance(schema, Mapping):
        types.imports.take("pydantic", "RootModel")
        head = head.replace("BaseModel", f"RootModel[{flat(types.of(schema, 'value', strict=False))}]")
        return head
    if is_object(schema):
        types.imports.take("pydantic", "ConfigDict")
        head += '\n\n    # What the model adds to these fields goes out too.\n    model_config = ConfigDict(extra="allow")'
        lines = _field_lines([f for f in fields_of(schema) if f.required], types, strict=False)
    else:
        lines = _field_lines(fields_of(schema), types, strict=False)
    return "\n\n".join([head, "\n".join(lines)]) if lines else head


def _field_lines(fields: Sequence[Field], types: Types, *, strict: bool) -> list[str]:
    nodes = [types.of(field.schema, field.attribute, strict=strict) for field in fields]
    plain = {flat(node).removesuffix(" | None") for node in nodes}
    commented = len(fields) <= _MOST_COMMENTED or len(plain) > 3
    lines = []
    for field, node in zip(fields, nodes, strict=True):
        words = field.evidence if commented else ""
        if words:
            lines.append(_code.comment(words, indent=4))
        lines.append(_field_line(field, node, types, strict=strict))
    return lines


def _field_line(field: Field, node: Node, types: Types, *, strict: bool) -> str:
    keywords: dict[str, Node | None] = {}
    if strict and not field.required:
        keywords["default"] = _code.value(field.default)
    if field.attribute != field.name:
        keywords["alias"] = _code.text(field.name)
    if strict and _has_example(field):
        keywords["examples"] = _code.sequence([_code.value(field.example)])
    start = f"{field.attribute}: {flat(node)}"
    if not keywords:
        return f"    {start}"
    types.imports.take("pydantic", "Field")
    return _code.statement(f"{start} = ", call("Field", **keywords), indent=4)


def _has_example(field: Field) -> bool:
    return field.example is not None and not isinstance(field.schema, Record)
