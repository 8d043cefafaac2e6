"""The columns of the answers, which follow `ModelOutput`, and of the rows that are read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter

from app.schemas import ModelInput, ModelOutput

PLAIN = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
}
ANSWERS = TypeAdapter(list[ModelOutput])
MORE = "more"  # what an answer has besides the fields of ModelOutput, as JSON


def _document(model: type[BaseModel], mode: Any) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, mode=mode)


def _type(schema: Mapping[str, Any], document: Mapping[str, Any]) -> pa.DataType:
    """Return the type of a value by its JSON Schema; None where only JSON text holds it."""
    if "$ref" in schema:
        return _type(document["$defs"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        kinds = [_type(each, document) for each in schema["anyOf"] if each.get("type") != "null"]
        if all(kind in (PLAIN["integer"], PLAIN["number"]) for kind in kinds) and len(kinds) > 1:
            return PLAIN["number"]
        return kinds[0] if len(kinds) == 1 else None
    kind = schema.get("type")
    if kind == "array":
        items = _type(schema["items"], document) if "items" in schema else None
        return None if items is None else pa.list_(items)
    if kind == "object" and "properties" in schema:
        fields = {name: _type(each, document) for name, each in schema["properties"].items()}
        closed = all(each is not None for each in fields.values())
        return pa.struct(list(fields.items())) if closed else None
    if kind == "integer" and schema.get("exclusiveMaximum", 0) > 2**63:
        return pa.uint64()
    return PLAIN.get(str(kind))


def _columns(model: type[BaseModel], mode: Any) -> dict[str, pa.DataType]:
    document = _document(model, mode)
    if "$ref" in document:
        document |= document["$defs"][document["$ref"].rpartition("/")[2]]
    fields = document.get("properties", {})
    return {name: _type(each, document) for name, each in fields.items()}


# By name: the type of each field of a record and of an answer; None for what is JSON in a text.
FIELDS = _columns(ModelInput, "validation")
REQUIRED = set(_document(ModelInput, "validation").get("required", ()))
ANSWER_FIELDS = _columns(ModelOutput, "serialization")
IS_OPEN = ModelOutput.model_config.get("extra") == "allow" or not ANSWER_FIELDS
SCHEMA = pa.schema(
    [(name, kind or pa.string()) for name, kind in ANSWER_FIELDS.items()]
    + ([(MORE, pa.string())] if IS_OPEN else [])
)


# More columns of the output: the number of a row in its file, and for a folder the file. Engines
# write into `rejected` the field and reason of a row that does not fit, else null.
ROW, FILE, REJECTED = (
    f"input_{name}" if name in SCHEMA.names else name for name in ("row", "file", "rejected")
)


def output_name(name: str) -> str:
    """Return the name in the output of a column of the input; its own may be that of an answer."""
    return f"input_{name}" if name in (ROW, FILE, REJECTED, *SCHEMA.names) else name


def as_columns(answers: Sequence[ModelOutput]) -> pa.RecordBatch:
    """Return the answers as columns, with the values that `/score` gives.

    Raises:
        ValueError: An answer has a value that is not of the type of its field.
    """
    rows = json.loads(ANSWERS.dump_json([*answers], by_alias=True, warnings=False))
    columns = []
    for name, kind in ANSWER_FIELDS.items():
        values = [row.get(name) for row in rows]
        columns.append(_column(name, values, kind))
    if IS_OPEN:
        others = [_others(row) for row in rows]
        columns.append(pa.array([_text(each) if each else None for each in others], pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _column(name: str, values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind is None:
        return pa.array([None if value is None else _text(value) for value in values], pa.string())
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(
            f"the answers have another type in {name!r} than ModelOutput says: {error}"
        ) from None


def _others(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if name not in ANSWER_FIELDS}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
