"""The expressions that make answers of what the model gives."""

from __future__ import annotations

from scaffold.render._source._code import Imports, Node, call, code, each, statement
from scaffold.render._source._plain import plain_function
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
    Value,
)

_OPENED = {
    "pandas": '.to_dict("records")',
    "polars": ".to_dicts()",
    "pyarrow": ".to_pylist()",
    "pandas.Series": ".to_dict()",
    "pandas values": ".tolist()",
    "polars values": ".to_list()",
}
"""How an answer that is a frame or a Series by itself becomes plain."""


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
            parameter = "predictions" if self.signature.one_row else "prediction"
            head = f"def from_model({parameter}: {given}) -> ModelOutput:"
            words = '    """Return the answer to one record."""'
            body = self._single(schema)
        function = "\n".join([head, words, body])
        if not self.needs_plain:
            return function
        return f"{function}\n\n\n{plain_function(schema, self.imports)}"

    def _single(self, schema: Schema) -> str:
        if self.signature.one_row:
            # The model answers one record with a container of one row.
            return f"{statement('[answer] = ', self._many(schema), indent=4)}\n    return answer"
        return statement("return ", self._answer(schema, "prediction"), indent=4)

    def _many(self, schema: Schema) -> Node:
        """Return the list of answers in what the model gives for many records."""
        match schema:
            case Value(field=Field(schema=inner)):
                answer = call("ModelOutput", prediction=self._item(inner))
                return each(answer, "prediction", self._rows(inner))
            case Table(native="list") | Record(native="dict"):
                return each(self._answer(schema, "prediction"), "prediction", "predictions")
            case Table():
                return each(self._row(schema), "row", self._table_rows(schema))
            case Record(native="arrays"):
                rows = f"zip(*{self._plain_of('predictions')}.values())"
                return each(self._object("dict(zip(predictions, row))"), "row", rows)
            case _:
                return each(self._answer(schema, "prediction"), "prediction", "predictions")

    def _row(self, table: Table) -> Node:
        if table.native == "structured":
            return self._object("dict(zip(predictions.dtype.names, row))")
        if any(column.label for column in table.columns):
            return self._object(self._plain_of("row"))
        return self._object("row")

    def _table_rows(self, table: Table) -> str:
        match table.native:
            case "pandas" if any(_may_lack(column.schema) for column in table.columns):
                return 'predictions.astype(object).where(predictions.notna(), None).to_dict("records")'
            case "structured":
                return "predictions.tolist()"
            case native:
                return f"predictions{_OPENED[native]}"

    def _rows(self, schema: Schema) -> str:
        """Return the expression for the rows of an answer, as plain values where it is an array."""
        match schema:
            case Tensor(stacked=False):
                return "predictions"
            case Column(native="pandas", dtype=dtype) if dtype.startswith("period"):
                return "predictions.astype(str).tolist()"
            case Column(native="pandas", items=items) if _may_lack(items):
                return "predictions.astype(object).where(predictions.notna(), None).tolist()"
            case Tensor(native="torch" | "numpy") | Column(native="pandas"):
                return "predictions.tolist()"
            case Column():
                return "predictions.to_list()"
            case Tensor():
                return "predictions.toarray().tolist()"
            case Parts():
                return f"zip(*{self._plain_of('predictions')})"
            case _:
                return "predictions"

    def _item(self, schema: Schema) -> Node:
        """Return the prediction of one row."""
        match schema:
            case Tensor(stacked=True) if is_json(schema.items) or schema.dtype != "object":
                return code("prediction")
            case Column(items=items) if _is_settled(items):
                return code("prediction")
            case Parts():
                return code("prediction")
            case _ if is_json(schema):
                return code("prediction")
            case _:
                return code(self._plain_of("prediction"))

    def _answer(self, schema: Schema, value: str) -> Node:
        """Return the answer to one record from what the model gave for it alone."""
        match schema:
            case Value(field=Field(schema=List(native=native))) if native in _OPENED:
                return call("ModelOutput", prediction=code(self._plain_of(f"{value}{_OPENED[native]}")))
            case Record(native="pandas.Series"):
                return self._object(self._plain_of(f"{value}.to_dict()"))
            case Record(native=native) if native in _OPENED:
                return self._object(self._plain_of(f"{value}{_OPENED[native]}[0]"))
            case Value(field=Field(schema=inner)):
                plain = value if is_json(inner) else self._plain_of(value)
                return call("ModelOutput", prediction=code(plain))
            case Table(columns=columns):
                return self._answer(Record(fields=columns), value)
            case _:
                return self._object(value if is_json(schema) else self._plain_of(value))

    def _object(self, value: str) -> Node:
        return call("ModelOutput.model_validate", code(value))

    def _plain_of(self, value: str) -> str:
        self.needs_plain = True
        return f"_plain({value})"


def _may_lack(schema: Schema) -> bool:
    """Whether a column has missing values that are no floats."""
    return isinstance(schema, Optional) and schema.missing in ("NA", "NaT", "None")


def _is_settled(schema: Schema) -> bool:
    """Whether the values of a Series are plain once it is a list."""
    inner = schema.of if isinstance(schema, Optional) else schema
    return isinstance(inner, Category) or (
        isinstance(inner, Scalar) and inner.type is not ScalarType.BYTES and "numpy." not in inner.native
    )


def is_json(schema: Schema) -> bool:
    """Whether the model gives plain Python: no scalars or arrays of a library, no objects."""
    match schema:
        case Scalar(type=type_, native=native):
            foreign = "numpy" in native or "pandas" in native
            return not foreign and type_ not in (ScalarType.ANY, ScalarType.NULL, ScalarType.BYTES)
        case Optional(of=inner, missing=missing):
            return missing in ("None", "nan") and is_json(inner)
        case Either(of=kinds) | Tuple(items=kinds):
            return all(is_json(kind) for kind in kinds)
        case List(items=inner, native=native):
            return native not in _OPENED and is_json(inner)
        case Mapping(values=inner):
            return is_json(inner)
        case Record(fields=fields, native="dict"):
            return all(is_json(field.schema) and not field.label for field in fields)
        case _:
            return False
