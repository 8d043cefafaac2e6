"""Answers in a database: `postgresql://host/db#scored` as OUT, through SQLAlchemy.

| table | |
| --- | --- |
| `scored` | the answers, by `row`, for a folder by `file` and `row` |
| `scored_rejected` | the rows that are not scored, with field and reason |
| `scored_parts` | which parts are done |
| `scored_run` | what was read by which model |

A part is one transaction, with its row in `scored_parts`: an ended run has whole parts only.
"""

import contextlib
import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from batch.answers import FILE, ROW, SCHEMA, output_name
from batch.database import cause, connect, shown
from batch.files import BatchError
from batch.manifest import require_same
from batch.values import Done, Part, Rejected, Task

INSERTED = 10_000  # rows of one statement
COUNTS = ("scored", "rejected", "size")
FILE_NAME = sa.String(700)  # MySQL and SQL Server have no longer keys
# The first that a type of Arrow is decides its type in the database; what has none is text.
TYPES: Sequence[tuple[Callable[[pa.DataType], bool], Any]] = (
    (pa.types.is_boolean, sa.Boolean()),
    (pa.types.is_uint64, sa.Numeric(20, 0)),
    (pa.types.is_integer, sa.BigInteger()),
    (pa.types.is_floating, sa.Double()),
    (pa.types.is_date, sa.Date()),
    (pa.types.is_time, sa.Time()),
    (pa.types.is_binary, sa.LargeBinary()),
    (pa.types.is_large_binary, sa.LargeBinary()),
    (pa.types.is_nested, sa.JSON(none_as_null=True)),
)


class TableOutput:
    """Writes the parts of a run, in each process that scores."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._tables = Tables(task.out)

    def write(self, part: Part, answers: pa.Table, rejected: Sequence[Rejected]) -> Done:
        """Write a part, unless another run has: one row of `_parts` is the right to write it."""
        done = Done(part.number, answers.num_rows, len(rejected), part.size)
        where = {FILE: part.source} if self._task.names_files else {}
        reasons = [
            {
                **where,
                ROW: each.row + part.first_row,
                "field": each.field.replace("\0", "?"),  # which PostgreSQL refuses in a text
                "reason": each.reason.replace("\0", "?"),
            }
            for each in rejected
        ]
        tables = self._tables
        with tables.writing():
            try:
                with tables.engine.begin() as connection:
                    connection.execute(sa.insert(tables.parts), dataclasses.asdict(done))
                    for rows in _rows(answers, tables.answers):
                        connection.execute(sa.insert(tables.answers), rows)
                    if reasons:
                        connection.execute(sa.insert(tables.rejected), reasons)
            except sa.exc.IntegrityError:
                earlier = tables.done().get(part.number)
                if earlier is None:
                    raise
                return earlier
        return done


class TableManifest:
    """The tables `_run` and `_parts`."""

    is_complete = False  # which parts there are, only the input says

    def __init__(
        self, url: str, share: tuple[int, int], facts: dict[str, Any], columns: pa.Schema
    ) -> None:
        self._share, self._columns = share, columns
        self._facts = json.loads(json.dumps(facts))
        self._tables = Tables(url)
        self.done: dict[int, Done] = {}

    def read(self) -> None:
        """Read what an earlier run wrote, or another share.

        Raises:
            BatchError: It had another input, model or option, or the tables have other rows.
        """
        tables = self._tables
        with tables.writing(what="read"):
            before = tables.facts()
            if before is not None:
                require_same(tables.url, before, self._facts)
                number, shares = self._share
                self.done = {
                    part: done for part, done in tables.done().items() if part % shares == number
                }
                if self.done and not tables.has_answers():
                    raise BatchError(
                        f"{tables.url} is gone, and {tables.parts.name} says that parts of it are "
                        f"done. Drop {tables.parts.name} and {tables.run.name} too."
                    )
                return
            for name in tables.with_rows():
                raise BatchError(
                    f"{tables.url}: the table {name} has rows, and there is no note of a run. "
                    "Name another table."
                )

    def start(self) -> None:
        """Create the tables that are not there, and note what is read by which model.

        Raises:
            BatchError: They cannot be made, or a table has not the columns of the answers.
        """
        with self._tables.writing():
            self._tables.create(self._columns, self._facts)
            require_same(self._tables.url, self._tables.facts() or {}, self._facts)

    def add(self, part: Done) -> None:
        """Note a part that is done; the process that wrote it has noted it in the database."""
        self.done[part.number] = part

    def finish(self) -> None:
        """Note that all parts are done: `_parts` says it."""

    def summarize(self, summary: dict[str, Any]) -> None:
        """Write no summary: `_parts` has the counts."""


class Tables:
    """The four tables of a run."""

    def __init__(self, url: str) -> None:
        address, _, name = url.partition("#")
        schema, _, self._name = name.rpartition(".")
        self._schema = schema or None
        self.engine = connect(address)
        self.url = shown(self.engine, name)
        self._meta = sa.MetaData(schema=self._schema)
        self.run = sa.Table(
            f"{self._name}_run",
            self._meta,
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("facts", sa.Text, nullable=False),
        )
        self.parts = sa.Table(
            f"{self._name}_parts",
            self._meta,
            sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
            *(sa.Column(count, sa.BigInteger, nullable=False) for count in COUNTS),
        )

    @contextlib.contextmanager
    def writing(self, *, what: str = "written") -> Iterator[None]:
        """Make one message of what goes wrong."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, OverflowError, ValueError) as error:
            raise BatchError(f"{self.url} cannot be {what}: {cause(error)}") from error

    @functools.cached_property
    def answers(self) -> sa.Table:
        """The table of the answers, with the types that it has in the database."""
        return self._reflected(self._name)

    @functools.cached_property
    def rejected(self) -> sa.Table:
        """The table of the rows that are not scored."""
        return self._reflected(f"{self._name}_rejected")

    def _reflected(self, name: str) -> sa.Table:
        return sa.Table(name, sa.MetaData(), schema=self._schema, autoload_with=self.engine)

    def facts(self) -> dict[str, Any] | None:
        """Return what the run reads by which model; None if there is no run."""
        if not self._has(self.run.name):
            return None
        with self.engine.connect() as connection:
            text = connection.scalar(sa.select(self.run.c.facts))
        return None if text is None else dict(json.loads(text))

    def done(self) -> dict[int, Done]:
        """Return the parts that are done, by number."""
        if not self._has(self.parts.name):
            return {}
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(self.parts)).mappings()
            return {row["number"]: Done(**row) for row in rows}

    def has_answers(self) -> bool:
        """Whether there is the table of the answers."""
        return self._has(self._name)

    def with_rows(self) -> Iterator[str]:
        """Yield the names of the tables that have a row."""
        for name in (self._name, f"{self._name}_rejected", self.parts.name):
            if self._has(name):
                one = sa.select(sa.literal(1)).select_from(self._reflected(name)).limit(1)
                with self.engine.connect() as connection:
                    if connection.scalar(one) is not None:
                        yield name

    def create(self, columns: pa.Schema, facts: dict[str, Any]) -> None:
        """Create the tables that are not there, and write the facts. Another share may too."""
        if self._has(self._name):
            has = self._reflected(self._name).columns
            if absent := [name for name in columns.names if name not in has]:
                raise BatchError(f"{self.url} has no column {', '.join(absent)}.")
        kinds: dict[str, Any] = {FILE: FILE_NAME, ROW: sa.BigInteger()}
        names = [name for name in kinds if name in columns.names]
        reasons = [sa.Column(name, sa.Text(), nullable=False) for name in ("field", "reason")]
        answers = [
            sa.Column(field.name, _sql_type(field.type))
            for field in columns
            if field.name not in names
        ]
        for suffix, others in (("", answers), ("_rejected", reasons)):
            key: list[sa.Column[Any]] = [
                sa.Column(name, kinds[name], primary_key=True, autoincrement=False)
                for name in names
            ]
            sa.Table(f"{self._name}{suffix}", self._meta, *key, *others)
        for attempt in (1, 2):  # two shares may start together
            try:
                self._meta.create_all(self.engine)
                break
            except sa.exc.DBAPIError:
                if attempt == 2:
                    raise
        with contextlib.suppress(sa.exc.IntegrityError), self.engine.begin() as connection:
            connection.execute(sa.insert(self.run), {"id": 1, "facts": json.dumps(facts)})

    def _has(self, name: str) -> bool:
        return sa.inspect(self.engine).has_table(name, schema=self._schema)


def output_columns(kept: pa.Schema, *, names_files: bool) -> pa.Schema:
    """Return the columns of the answers: as `parts.py` writes them."""
    files = [(FILE, pa.string())] if names_files else []
    renamed = [(output_name(field.name), field.type) for field in kept]
    return pa.schema([(ROW, pa.int64()), *files, *renamed, *SCHEMA])


def _sql_type(kind: pa.DataType) -> Any:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_decimal(kind):
        return sa.Numeric(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    return next((made for matches, made in TYPES if matches(kind)), sa.Text())


def _rows(answers: pa.Table, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows with values that their columns take."""
    columns = []
    for name in answers.column_names:
        column = answers.column(name)
        if pa.types.is_timestamp(column.type):  # nanoseconds are no datetime of Python
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        columns.append((name, column, isinstance(table.columns[name].type, sa.String)))
    for start in range(0, answers.num_rows, INSERTED):
        values = [
            [_text(each) for each in piece] if is_text else piece
            for _, column, is_text in columns
            for piece in [column.slice(start, INSERTED).to_pylist()]
        ]
        names = [name for name, _, _ in columns]
        yield [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
