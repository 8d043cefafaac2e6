"""A table of a database, read through SQLAlchemy: `postgresql://user@host/db#passengers`."""

import contextlib
import datetime as dt
import decimal
import io
import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from batch.answers import FIELDS
from batch.files import BatchError
from batch.values import Part

if TYPE_CHECKING:
    import sqlalchemy as sa

# By the type of their values in Python; of other columns the values themselves decide.
TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    dt.date: pa.date32(),
    dt.time: pa.time64("us"),
    uuid.UUID: pa.string(),
    dict: pa.string(),  # JSON, unless the model takes an object
}


def is_table(url: str) -> bool:
    """Whether a URL names a table of a database."""
    return "://" in url and "#" in url


def connect(address: str) -> "sa.Engine":
    """Return the engine of a database.

    Raises:
        BatchError: SQLAlchemy has no such database, or its driver is not installed.
    """
    import sqlalchemy as sa

    try:
        url = sa.make_url(address)
        # Processes take turns in a file of SQLite: a part may take some seconds.
        is_file = url.get_backend_name() == "sqlite"
        arguments = {"timeout": 600} if is_file else {}
        encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
        return sa.create_engine(
            url, connect_args=arguments, json_serializer=encode, hide_parameters=True
        )
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        driver = isinstance(error, ImportError)
        hint = "\nAdd the driver to batch/requirements.txt." if driver else ""
        raise BatchError(f"The database cannot be opened: {cause(error)}{hint}") from None


def shown(engine: "sa.Engine", name: str) -> str:
    """Return the URL of a table without its password."""
    return f"{engine.url.render_as_string(hide_password=True)}#{name}"


def cause(error: Exception) -> str:
    """Return what the driver says, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip() or type(error).__name__


class Table:
    """The rows of a table, in the order of its primary key."""

    files = ()
    is_folder = False

    def __init__(self, url: str, part_rows: int) -> None:
        import sqlalchemy as sa

        address, _, name = url.partition("#")
        self.part_rows = part_rows
        self._engine = connect(address)
        self.url = shown(self._engine, name)
        try:
            self._table = sa.Table(
                name.rpartition(".")[2],
                sa.MetaData(),
                schema=name.rpartition(".")[0] or None,
                autoload_with=self._engine,
            )
            with self._engine.connect() as connection:
                count = connection.scalar(sa.select(sa.func.count()).select_from(self._table))
        except sa.exc.NoSuchTableError:
            raise BatchError(f"The database has no table {name}.") from None
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise BatchError(f"{self.url} cannot be read: {cause(error)}") from None
        self.total = int(count or 0)
        self._order = list(self._table.primary_key.columns)
        if not self._order:
            raise BatchError(
                f"{name} has no primary key: without an order of its rows a run could not go on.\n"
                "Score a copy that has one."
            )

    def fingerprint(self) -> list[Any]:
        """Return what changes with the table: its columns and the number of its rows."""
        return [self.url, self.columns(), self.total]

    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return [column.name for column in self._table.columns]

    def schema(self) -> pa.Schema:
        """Return the columns with their types, as far as they are known without the values."""
        return pa.schema(
            [(column.name, _type(column) or pa.null()) for column in self._table.columns]
        )

    def parts(self) -> Iterator[Part]:
        """Yield the rows in parts."""
        import sqlalchemy as sa

        try:
            yield from self._parts()
        except (sa.exc.SQLAlchemyError, pa.ArrowException, ValueError, TypeError) as error:
            raise BatchError(f"{self.url} cannot be read: {cause(error)}") from error

    def _parts(self) -> Iterator[Part]:
        first = 0
        kinds = {column.name: _type(column) for column in self._table.columns}
        for number, rows in enumerate(self._pages()):
            sink = io.BytesIO()
            columns = {name: [row[name] for row in rows] for name in kinds}
            table = pa.table(
                {name: _column(name, columns[name], kind) for name, kind in kinds.items()}
            )
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            yield Part(
                number=number,
                source=self.url,
                format="stream",
                first_row=first,
                rows=len(rows),
                size=len(rows),
                content=sink.getvalue(),
            )
            first += len(rows)

    def _pages(self) -> Iterator[list[Any]]:
        """Yield as many rows as a part has."""
        import sqlalchemy as sa

        query = sa.select(self._table).order_by(*self._order)
        if self._engine.dialect.name != "sqlite":
            with self._engine.connect().execution_options(yield_per=self.part_rows) as connection:
                for rows in connection.execute(query).mappings().partitions():
                    yield [*rows]
            return
        # While a query of SQLite is open, nothing can be written into the same file.
        key, query = sa.tuple_(*self._order), query.limit(self.part_rows)
        with self._engine.connect() as connection:
            rows = [*connection.execute(query).mappings()]
            connection.rollback()
            while rows:
                yield rows
                last = tuple(rows[-1][column.name] for column in self._order)
                rows = [*connection.execute(query.where(key > last)).mappings()]
                connection.rollback()


def _type(column: "sa.Column[Any]") -> pa.DataType | None:
    """Return the type of a column by that of the database; None where the values decide."""
    try:
        python = column.type.python_type
    except NotImplementedError:  # a type of one database, such as an array or a range
        return None
    kind = TYPES.get(python)
    if python is dt.datetime:
        kind = pa.timestamp("us", "UTC" if getattr(column.type, "timezone", False) else None)
    if python is decimal.Decimal:
        precision = getattr(column.type, "precision", None) or 0
        scale = getattr(column.type, "scale", None) or 0
        kind = pa.decimal128(precision, scale) if 0 < precision <= 38 else pa.decimal128(38, 18)
    if python is dict and FIELDS.get(column.name, pa.string()) != pa.string():
        kind = None
    return kind


def _column(name: str, values: list[Any], kind: pa.DataType | None) -> pa.Array:
    """Return a column; its values may be others than its type says (SQLite), or a driver's own."""
    if kind != pa.string():
        with contextlib.suppress(pa.ArrowException, OverflowError):
            return pa.array(values, kind)
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError):
            if name in FIELDS:
                raise
    texts = [each if each is None or isinstance(each, str) else _text(each) for each in values]
    return pa.array(texts, pa.string())


def _text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
