"""Rows of a log or a table, counted by the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from scaffold.base.baseline import MOST_ITEMS, leaves_of
from scaffold.errors import TrafficUnreadableError
from scaffold.spec import Baseline, JSONValue
from scaffold.traffic._cells import Counts, FieldTally, is_missing, tallies_of

WHOLE_INPUT, WHOLE_OUTPUT = "data", "prediction"
"""The names of an input and of a prediction that are no objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request and the answer to it, each by dotted names."""

    number: int
    """Of its line, for messages."""
    inputs: Mapping[str, JSONValue]
    outputs: Mapping[str, JSONValue]
    at: datetime | None = None
    key: str | None = None
    """What a row of the labels names it by."""
    model: str = ""
    """The beginning of the sha256 of the model that answered; empty where the row does not say."""


def by_name(value: JSONValue, whole: str) -> dict[str, JSONValue]:
    """Return the scalars of an object by dotted names, items of a list by number: `address.zip`, `data.0`.

    Args:
        value: A request or an answer.
        whole: The name of a value that is no object.
    """
    named: JSONValue = value if isinstance(value, dict) else {whole: value}
    return dict(leaves_of(named, most_items=MOST_ITEMS))


def key_of(value: JSONValue) -> str | None:
    """Return what names a row as text; None where it is missing.

    A table with missing numbers has 7 as 7.0.
    """
    if is_missing(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def moment_of(text: object) -> datetime:
    """Return a time with its zone: RFC 3339, or what a table has; UTC where no zone is named.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(text, datetime):
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no time")
        # Python 3.10 knows neither `Z` nor fractions of other lengths.
        text = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    return text if text.tzinfo else text.replace(tzinfo=timezone.utc)


def count_rows(rows: Iterable[Row], baseline: Baseline, source: str) -> Counts:
    """Return the counts of rows, which are read one at a time.

    Args:
        rows: The rows.
        baseline: What they are counted by.
        source: Where they come from, for messages.

    Raises:
        TrafficUnreadableError: A number is none.
    """
    fields, predictions = tallies_of(baseline.fields), tallies_of(baseline.predictions)
    times = _Times()
    number = 0
    for row in rows:
        number += 1
        _add(fields, row.inputs, row, source)
        _add(predictions, row.outputs, row, source)
        times.add(row.at)
    return Counts(
        rows=number,
        fields=tuple(each.counts for each in fields),
        predictions=tuple(each.counts for each in predictions),
        first=times.first,
        last=times.last,
    )


class Since:
    """The rows from a time on, and the number of the earlier ones; all rows without such a time."""

    def __init__(self, rows: Iterable[Row], begin: datetime | None, source: str) -> None:
        self._rows, self._begin, self._source = rows, begin, source
        self.earlier = 0

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows.

        Raises:
            TrafficUnreadableError: A row has no time.
        """
        for row in self._rows:
            if self._begin is None:
                yield row
            elif row.at is None:
                message = "has no time `at`, which `since` needs"
                raise TrafficUnreadableError(self._source, row.number, message)
            elif row.at >= self._begin:
                yield row
            else:
                self.earlier += 1


class OfModel:
    """The rows of one model, or of all without its hash; and the number of the others.

    The baseline has the predictions of one model: those of its predecessor would be drift.
    """

    def __init__(self, rows: Iterable[Row], sha256: str) -> None:
        self._rows, self._sha256 = rows, sha256
        self.others = 0

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows of the model, and those that do not name one."""
        for row in self._rows:
            if not self._sha256 or self._sha256.startswith(row.model):
                yield row
            else:
                self.others += 1


class _Times:
    """The first and the last of some times."""

    def __init__(self) -> None:
        self._ends: tuple[datetime, datetime] | None = None

    def add(self, at: datetime | None) -> None:
        if at is not None:
            first, last = self._ends or (at, at)
            self._ends = min(first, at), max(last, at)

    @property
    def first(self) -> str:
        return self._ends[0].isoformat() if self._ends else ""

    @property
    def last(self) -> str:
        return self._ends[1].isoformat() if self._ends else ""


def _add(tallies: Sequence[FieldTally], values: Mapping[str, JSONValue], row: Row, source: str) -> None:
    for tally in tallies:
        name = tally.field.name
        if name not in values:
            tally.add_absent()
            continue
        try:
            tally.add(values[name])
        except ValueError as error:
            raise TrafficUnreadableError(source, row.number, f"field {name}: {error}") from error
