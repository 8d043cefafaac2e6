"""A table of a database, read through SQLAlchemy: `postgresql://user@host/db#passengers`."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from batch.files import BatchError
from batch.values import Part


def is_table(url: str) -> bool:
    """Whether a URL names a table of a database."""
    return "://" in url and "#" in url


class Table:
    """The rows of a table, in the order of its primary key."""

    files = ()
    is_folder = False

    def __init__(self, url: str, part_rows: int) -> None:
        import sqlalchemy as sa

        address, _, name = url.partition("#")
        self.part_rows = part_rows
        try:
            self._engine = sa.create_engine(address)
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
            raise BatchError(f"The database cannot be read: {error}") from None
        self.url = f"{self._engine.url.render_as_string(hide_password=True)}#{name}"
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

    def parts(self) -> Iterator[Part]:
        """Yield the rows in parts."""
        import sqlalchemy as sa

        try:
            yield from self._parts()
        except (sa.exc.SQLAlchemyError, pa.ArrowException, ValueError) as error:
            raise BatchError(f"{self.url} cannot be read: {error}") from error

    def _parts(self) -> Iterator[Part]:
        import sqlalchemy as sa

        query = sa.select(self._table).order_by(*self._order)
        with self._engine.connect().execution_options(yield_per=self.part_rows) as connection:
            first = 0
            for number, rows in enumerate(connection.execute(query).mappings().partitions()):
                sink = io.BytesIO()
                table = pa.Table.from_pylist([dict(row) for row in rows])
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
