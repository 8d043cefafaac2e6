"""The expressions that make answers of what the model gives."""

from __future__ import annotations

from scaffold.render._source import _code
from scaffold.render._source._code import Imports, Node, call, code, each, statement
from scaffold.render._source._shapes import annotation
from scaffold.spec import (
    Category,
    Column,
    Either,
    Field,
    List,
    Mapping,
    Optional,
    Parts,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Signature,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
)

_PLAIN = '''\
def _plain(value: Any) -> Any:
    """Return `value` with all arrays and objects in it as plain lists and dicts."""
    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()
    if hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "tolist"):  # an array, Series or number of numpy, pandas or torch
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value
'''


class Answers:
    """Writes `from_model`."""

    def __init__(self, imports: Imports, signature: Signature) -> None:
        self.imports, self.signature = imports, signature
        self.needs_plain = False

    def from_model(self) -> str:
        """Return the function `from_model`, and below it what it needs."""
        schema = self.signature.output
        if self.signature.call.batched:
            head = f"def from_model(predictions: {annotation(schema, self.imports)}) -> list[ModelOutput]:"
            words = '    """Return one answer per record, in order."""'
            body = statement("return ", self._many(schema), indent=4)
        else:
            given = annotation(schema, self.imports) if self.signature.one_row else "Any"
            self.imports.take("typing", "Any")
            name = "predictions" if self.signature.one_row else "prediction"
            head = f"def from_model({name}: {given}) -> ModelOutput:"
            words = '    """Return the answer to one record."""'
            body = statement("return ", self._single(schema), indent=4)
        function = "\n".join([head, words, body])
        if not self.needs_plain:
            return function
        self.imports.take("collections.abc", "Mapping")
        self.imports.take("typing", "Any")
        return _code.merged(function, _PLAIN.rstrip("\n")).rstrip("\n")

    def _single(self, schema: Schema) -> Node:
        if self.signature.one_row:
            # The model answers a record with a container of one row.
            return code(f"{_code.flat(self._many(schema))}[0]")
        return self._answer(schema, "prediction")

    def _many(self, schema: Schema) -> Node:
        """Return the list of answers in what the model gives for many records."""
        match schema:
            case Value(field=Field(schema=inner)):
                return each(
                    call("ModelOutput", prediction=self._item(inner)), "prediction", self._rows(inner)
                )
            case Table(native="pandas"):
                return each(self._object("row"), "row", 'predictions.to_dict("records")')
            case Table(native="polars"):
                return each(self._object("row"), "row", "predictions.iter_rows(named=True)")
            case Table(native="pyarrow"):
                return each(self._object("row"), "row", "predictions.to_pylist()")
            case Table(native="structured"):
                names = "dict(zip(predictions.dtype.names, row))"
                return each(self._object(names), "row", "predictions.tolist()")
            case Record(native="arrays"):
                self.needs_plain = True
                rows = "zip(*_plain(predictions).values())"
                return each(self._object("dict(zip(predictions, row))"), "row", rows)
            case _:
                return each(self._answer(schema, "prediction"), "prediction", "predictions")

    def _rows(self, schema: Schema) -> str:
        """Return the expression for the rows of an answer, as plain values where it is an array."""
        match schema:
            case Tensor(native="torch" | "numpy") | Column(native="pandas"):
                return "predictions.tolist()"
            case Column():
                return "predictions.to_list()"
            case Tensor():
                return "predictions.toarray().tolist()"
            case Parts():
                self.needs_plain = True
                return "zip(*_plain(predictions))"
            case _:
                return "predictions"

    def _item(self, schema: Schema) -> Node:
        """Return the prediction of one row."""
        match schema:
            case Tensor() | Column() | Parts():
                return code("prediction")
            case _ if is_json(schema):
                return code("prediction")
            case _:
                self.needs_plain = True
                return code("_plain(prediction)")

    def _answer(self, schema: Schema, value: str) -> Node:
        """Return the answer to one record from what the model gave for it alone."""
        match schema:
            case Value(field=Field(schema=inner)):
                if is_json(inner):
                    return call("ModelOutput", prediction=code(value))
                self.needs_plain = True
                return call("ModelOutput", prediction=code(f"_plain({value})"))
            case _:
                return self._object(value) if is_json(schema) else self._plain_object(value)

    def _object(self, value: str) -> Node:
        return call("ModelOutput.model_validate", code(value))

    def _plain_object(self, value: str) -> Node:
        self.needs_plain = True
        return call("ModelOutput.model_validate", code(f"_plain({value})"))


def is_json(schema: Schema) -> bool:
    """Whether the model gives plain Python: no scalars or arrays of a library, no objects."""
    match schema:
        case Scalar(type=type_, native=native):
            return "numpy" not in native and "pandas" not in native and type_ is not ScalarType.ANY
        case Optional(of=inner, missing=missing):
            return missing in ("None", "nan") and is_json(inner)
        case Either(of=kinds) | Tuple(items=kinds):
            return all(is_json(kind) for kind in kinds)
        case List(items=inner) | Mapping(values=inner):
            return is_json(inner)
        case Record(fields=fields, native="dict"):
            return all(is_json(field.schema) and not field.label for field in fields)
        case Category() | UserType() | Record() | Table() | Tensor() | Column() | Parts() | Value():
            return False
        case _:
            return False
