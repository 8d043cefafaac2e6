"""The expressions that convert the model's output to answers."""

from __future__ import annotations

from typing_extensions import assert_never

from scaffold.render._code import Imports, Node, call, code, each, statement
from scaffold.render._source._plain import plain_function
from scaffold.render._source._shapes import annotation, fields_of, has_plain_dtype
from scaffold.render.kinds import kind_of
from scaffold.spec import (
    Arrays,
    Arrow,
    Column,
    Field,
    List,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Pandas,
    Parts,
    Polars,
    Record,
    Schema,
    Signature,
    Standalone,
    Structured,
    Table,
    Tensor,
    Value,
    as_series,
)

_ANSWER = '''\
def _answer(value: Any) -> ModelOutput:
    """Return an object as that object, all else as `prediction`: as it is, of whatever type."""
    plain = _plain(value)
    if not isinstance(plain, dict):
        plain = {"prediction": plain}
'''
_CONSTRUCT = "    return ModelOutput.model_construct(**plain)"
_CONSTRUCT_CLS = """\
    values = {{"{attribute}" if key == "cls" else key: item for key, item in plain.items()}}
    return ModelOutput.model_construct(**values)"""
"""The same where a key is `cls`, which `model_construct` calls itself."""


class Answers:
    """Writes `from_model`."""

    def __init__(self, imports: Imports, signature: Signature) -> None:
        self.imports, self.signature = imports, signature
        self.below: list[str] = []
        """The functions that `from_model` needs, in order."""

    def from_model(self) -> str:
        """Return the function `from_model`, and below it what it needs."""
        schema = self.signature.output
        if self.signature.call.batched:
            head = f"def from_model(predictions: {annotation(schema, self.imports)}) -> list[ModelOutput]:"
            words = '    """Return one answer per record, in order."""'
            body = statement("return ", self._many(schema), indent=4)
        else:
            argument_type = annotation(schema, self.imports) if self.signature.one_row else "Any"
            self.imports.take("typing", "Any")
            parameter = "predictions" if self.signature.one_row else "prediction"
            head = f"def from_model({parameter}: {argument_type}) -> ModelOutput:"
            words = '    """Return the answer to one record."""'
            body = self._single(schema)
        return "\n\n\n".join(["\n".join([head, words, body]), *self.below])

    def _single(self, schema: Schema) -> str:
        match schema:
            case _ if self.signature.one_row:
                # The model answers one record with a container of one row.
                return f"{statement('[answer] = ', self._many(schema), indent=4)}\n    return answer"
            case Record(form=OpenedFrame() as form):
                rows = f"    rows = prediction{_unwrap(form)}\n    return "
                return rows + self._answer("rows[0] if len(rows) == 1 else rows")
            case Record(form=OpenedSeries() as form):
                return "    return " + self._answer(f"prediction{_unwrap(form, named=True)}")
            case Value(field=Field(schema=List(form=OpenedFrame() | OpenedSeries() | OverTime() as form))):
                return "    return " + self._answer(f"prediction{_unwrap(form)}")
            case _:
                return "    return " + self._answer("prediction")

    def _many(self, schema: Schema) -> Node:
        """Return the list of answers in what the model gives for many records."""
        match schema:
            case Value(field=Field(schema=Parts())):
                parts = f"zip(*{self._plain('predictions')}, strict=True)"
                return each(call("ModelOutput.model_construct", prediction=code("row")), "row", parts)
            case Value(field=Field(schema=inner)):
                answer = call("ModelOutput", prediction=code("prediction"))
                if not has_plain_dtype(inner):
                    answer = code(self._answer("prediction"))
                return each(answer, "prediction", _rows(inner))
            case Table(container=Structured()):
                return each(code(self._answer("row")), "row", "predictions")
            case Table(container=Pandas() | Polars() | Arrow() as container):
                rows = f"predictions{_unwrap(OpenedFrame(container))}"
                return each(code(self._answer("row")), "row", rows)
            case Record(form=Arrays()):
                row = self._answer("dict(zip(predictions, row, strict=True))")
                return each(code(row), "row", f"zip(*{self._plain('predictions')}.values(), strict=True)")
            case Standalone() | Record() | Table() | Tensor() | Parts() | Column():
                return each(code(self._answer("prediction")), "prediction", "predictions")
            case _:
                assert_never(schema)

    def _answer(self, value: str) -> str:
        self._plain("")
        fields = fields_of(self.signature.output)
        known_as = next((field.attribute for field in fields if field.name == "cls"), None)
        text = _ANSWER + (_CONSTRUCT_CLS.format(attribute=known_as) if known_as else _CONSTRUCT)
        if text not in self.below:
            self.below.insert(0, text)
        return f"_answer({value})"

    def _plain(self, value: str) -> str:
        if not self.below:
            self.below.append(plain_function(self.signature.output, self.imports))
        return f"_plain({value})"


def _unwrap(form: OpenedFrame | OpenedSeries | OverTime, *, named: bool = False) -> str:
    """Return the method calls that convert a frame or a Series to plain values."""
    container = Pandas() if isinstance(form, OverTime) else form.container
    return kind_of(container).unwrap(form, named=named)


def _rows(schema: Schema) -> str:
    """Return the expression for the rows of an answer that is an array or a Series."""
    series = as_series(schema)
    return "predictions" if series is None else kind_of(series.container).rows(series)
