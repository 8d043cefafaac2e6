"""Arrays and scalars of numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, call, code, each, sequence, text
from scaffold.render.kinds._kind import (
    MISSING,
    MOST_WRITTEN_OUT,
    NUMBER_DTYPE,
    NUMPY,
    PANDAS,
    Kind,
    Line,
    Wrap,
)
from scaffold.spec import (
    Column,
    Element,
    Numpy,
    NumpyScalar,
    NumpyTime,
    Scalar,
    ScalarType,
    Table,
    Tensor,
    TextOf,
)

if TYPE_CHECKING:
    from scaffold.render._source._columns import Columns
    from scaffold.render._source._frames import Batch
    from scaffold.render._source._values import Values

_TO_MICROSECONDS = Line(
    place=80,
    modules=(NUMPY,),
    text="""    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "mM":
        value = value.astype(f"{value.dtype.kind}8[us]")  # nanoseconds would become numbers""",
)
_TO_PANDAS = Line(
    place=90,
    modules=(NUMPY, PANDAS),
    text="""    if isinstance(value, np.ndarray) and value.dtype.kind in "mM":
        return [_plain(item) for item in value]
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = pd.Timestamp(value) if value.dtype.kind == "M" else pd.Timedelta(value)""",
)
NINE_DIGITS = Line(
    place=100,
    modules=(PANDAS,),
    text="""    # JSON text of a datetime has six digits of a second.
    if isinstance(value, pd.Timestamp) and value.nanosecond:
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, pd.Timedelta) and value.nanoseconds:
        seconds, digits = divmod(abs(value.value), 10**9)
        sign = "-" if value.value < 0 else ""
        return f"{sign}PT{seconds}.{digits:09d}S\"""",
)
_TO_FLOAT = Line(
    place=140,
    modules=(NUMPY,),
    text="""    if isinstance(value, np.longdouble):
        return float(value)""",
)
_LONG_DOUBLES = ("longdouble", "float128")
_TEMPORAL = (ScalarType.DATETIME, ScalarType.AWARE_DATETIME, ScalarType.DURATION)


class NumpyKind(Kind):
    """Arrays and scalars of numpy, in the code of a service."""

    words = "Return the array that the model takes."

    def annotation(self, imports: Imports) -> str:
        """Return the type of an array."""
        imports.take("typing", "Any")
        imports.take("numpy.typing", "NDArray")
        return "NDArray[Any]"

    def table(self, batch: Batch, table: Table) -> Node:
        """Return an array with a column for each field."""
        if len(table.columns) > MOST_WRITTEN_OUT and batch.is_whole:
            return batch.values.numpy_array(table.dtype, batch.wide_rows())
        row = sequence(code(f"{batch.row}.{c.attribute}") for c in table.columns)
        return batch.values.numpy_array(table.dtype, each(row, batch.variable, batch.rows))

    def columns(self, columns: Columns, table: Table) -> Node | None:
        """Return an array with a column for each field, of numbers alone."""
        checked = columns.all_checked(table)
        if checked is None or table.container != Numpy() or not NUMBER_DTYPE.fullmatch(table.dtype):
            return None
        return call(columns.take("numpy_table"), sequence(checked), text(table.dtype))

    def array(self, values: Values, tensor: Tensor, value: str, wrap: Wrap) -> Node:
        """Return an array of the dtype of the sample."""
        return values.numpy_array(tensor.dtype, wrap(values.nested(tensor, value)))

    def rows(self, schema: Tensor | Column) -> str:
        """Return the predictions as lists, or as arrays if `_plain` has to convert their values."""
        return "predictions.tolist()" if self.has_plain_dtype(schema) else "predictions"

    def scalar_lines(self, scalar: Scalar) -> Iterator[Line]:
        """Yield the lines that convert datetimes, timedeltas and long doubles."""
        match scalar.native:
            case NumpyScalar(scalar=name) | Element(dtype=name) if name in _LONG_DOUBLES:
                yield _TO_FLOAT
            case NumpyTime() | Element() if scalar.nanoseconds:
                yield from (NINE_DIGITS, MISSING, _TO_PANDAS)
            case NumpyTime():
                yield from (_TO_MICROSECONDS, MISSING)
            case Element() if scalar.type in _TEMPORAL:
                yield from (_TO_MICROSECONDS, MISSING)
            case TextOf(of=Element(dtype=dtype)) if dtype.startswith(("datetime64", "timedelta64")):
                yield from (_TO_MICROSECONDS, MISSING)
            case _:
                return
