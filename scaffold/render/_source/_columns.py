"""Write `batch/columns.py`: the rules of `schemas.py` and the form of `convert.py`, for whole columns."""

from __future__ import annotations

from scaffold.render import _code
from scaffold.render._code import Imports, Node, call, name, statement, text
from scaffold.render._source._shapes import annotation, has_plain_dtype
from scaffold.render.kinds import kind_of
from scaffold.render.kinds._whole import whole_array
from scaffold.spec import (
    Arguments,
    Category,
    Element,
    Field,
    Numpy,
    Optional,
    Pandas,
    PythonScalar,
    Scalar,
    ScalarType,
    Schema,
    Signature,
    Table,
    Value,
    as_series,
)

_DOCSTRING = '''\
"""The rules of schemas.py and the form of convert.py, for whole columns.

As soon as one of these files is edited, batch/ scores row by row, through them.
"""'''
_CHECKS = "batch.checks"
_LIMITS = {"ge": "least", "le": "most"}
_INT64 = (-(2**63), 2**63 - 1)
_BOUNDED = (ScalarType.INTEGER, ScalarType.NUMBER)
_PLAIN = "    return pa.RecordBatch.from_arrays([plain_answers(predictions, SCHEMA[0].type)], schema=SCHEMA)"


def render_columns(signature: Signature, *, in_dict: bool = False) -> str | None:
    """Return the text of `batch/columns.py`; None where records are no flat rows of plain values.

    Args:
        signature: What the model takes and returns.
        in_dict: Whether the model is a compiled one, which takes a dict of arrays.
    """
    table, call_ = signature.input, signature.call
    if not isinstance(table, Table) or not call_.batched or call_.arguments is not Arguments.ONE:
        return None
    imports = Imports()
    columns = Columns(imports)
    expression = columns.arrays(table) if in_dict else kind_of(table.container).columns(columns, table)
    if expression is None:
        return None
    imports.whole("pyarrow", "pa")
    imports.take(_CHECKS, "require_names")
    if in_dict:
        imports.take("typing", "Any")
        imports.take("numpy.typing", "NDArray")
    returns = "dict[str, NDArray[Any]]" if in_dict else annotation(table, imports)
    names = call("require_names", name("batch"), _code.sequence(text(c.name) for c in table.columns))
    to_model = "\n".join(
        [
            f"def to_model(batch: pa.RecordBatch) -> {returns}:",
            '    """Return what convert.py makes of these rows. `Unfit`: a row of them does not fit."""',
            statement("", names, indent=4),
            statement("return ", expression, indent=4),
        ]
    )
    from_model = _from_model(signature, imports)
    return _code.merged(f"{_DOCSTRING}\n\n{imports.render(own=['batch'])}", to_model, from_model)


def _from_model(signature: Signature, imports: Imports) -> str:
    head = f"def from_model(predictions: {annotation(signature.output, imports)}) -> pa.RecordBatch:"
    words = '    """Return the answers as columns."""'
    if _is_one_column(signature.output):
        imports.take("batch.answers", "SCHEMA")
        imports.take(_CHECKS, "plain_answers")
        return "\n".join([head, words, _PLAIN])
    imports.take("batch.answers", "as_columns")
    imports.whole("app.convert", "")
    return "\n".join([head, words, "    return as_columns(app.convert.from_model(predictions))"])


def _is_one_column(schema: Schema) -> bool:
    """Whether the answers are the values or rows of an array or Series with a plain dtype."""
    if not isinstance(schema, Value) or not has_plain_dtype(schema.field.schema):
        return False
    series = as_series(schema.field.schema)
    return series is not None and isinstance(series.container, Numpy | Pandas)


class Columns:
    """Writes the checked columns of a table, and collects their imports."""

    def __init__(self, imports: Imports) -> None:
        self.imports = imports

    def all_checked(self, table: Table) -> list[Node] | None:
        """Return a checked column for each field; None if one of them can only be checked by pydantic."""
        checked = [node for column in table.columns if (node := self.checked(column)) is not None]
        return checked if len(checked) == len(table.columns) else None

    def arrays(self, table: Table) -> Node | None:
        """Return a dict with all columns as arrays; None if one can only be checked by pydantic."""
        checked = self.all_checked(table)
        if checked is None:
            return None
        made = zip(table.columns, checked, strict=True)
        return _code.mapping((text(column.name), whole_array(self, column, node)) for column, node in made)

    def checked(self, field: Field) -> Node | None:
        """Return the call that checks the column of a field, an array of Arrow; None if none can."""
        schema = field.schema
        missing = name("True") if isinstance(schema, Optional) else None
        inner = schema.of if isinstance(schema, Optional) else schema
        scalar = inner.of if isinstance(inner, Category) else inner
        if not field.required or not isinstance(scalar, Scalar) or not _is_plain(scalar):
            return None
        limits = _limits(scalar)
        if limits is None:
            return None
        keywords = {key: _code.code(_code.number(limit)) for key, limit in limits.items()}
        match scalar.type:
            case ScalarType.BOOLEAN:
                function = "truth"
            case ScalarType.INTEGER:
                function = "whole"
            case ScalarType.NUMBER:
                function = "real"
            case ScalarType.STRING:
                function = "text"
                if scalar.choices:
                    keywords["choices"] = _code.sequence(map(_code.value, scalar.choices))
                if scalar.max_length is not None:
                    keywords["max_length"] = _code.code(str(scalar.max_length))
            case _:
                return None
        self.imports.take(_CHECKS, function)
        return call(function, name("batch"), text(field.name), **keywords, missing=missing)

    def take(self, function: str) -> str:
        """Import a function of `batch/checks.py`; return its name."""
        self.imports.take(_CHECKS, function)
        return function


def _is_plain(scalar: Scalar) -> bool:
    """Whether the model is given the value itself, or what a dtype makes of the value."""
    is_native = scalar.native is None or isinstance(scalar.native, PythonScalar | Element)
    return is_native and not scalar.nanoseconds and not (scalar.choices and scalar.type in _BOUNDED)


def _limits(scalar: Scalar) -> dict[str, int | float] | None:
    """Return the bounds of a number by the parameters of its check; None if it has other rules."""
    limits: dict[str, int | float] = {}
    if scalar.type in _BOUNDED and scalar.maximum is not None:
        least = -scalar.maximum if scalar.type is ScalarType.NUMBER else scalar.minimum
        if (least, scalar.maximum) != _INT64:
            limits = {"least": least or 0, "most": scalar.maximum}
    for rule, limit in scalar.constraints:
        if rule not in _LIMITS or not isinstance(limit, int | float) or scalar.type not in _BOUNDED:
            return None
        limits[_LIMITS[rule]] = limit
    return limits
