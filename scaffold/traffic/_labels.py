"""True values that arrive later, joined with the predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from scaffold.errors import LabelColumnError, LabelsNotJoinedError, TrafficUnreadableError
from scaffold.spec import JSONValue
from scaffold.traffic._cells import is_missing
from scaffold.traffic._rows import Row, key_of
from scaffold.traffic._source import RowSource, paths_of

_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The predictions of one row, and what was true."""

    at: datetime | None
    outputs: Mapping[str, JSONValue]
    label: str


def read_labels(source: RowSource, written: str, key: str) -> dict[str, str]:
    """Return the labels by their keys.

    Args:
        source: What reads the file.
        written: Its path.
        key: The column that names a row. The label is in the column `label`, or in the only other one.

    Raises:
        DriftError: The file cannot be read, or has no such columns.
    """
    labels: dict[str, str] = {}
    for path in paths_of(written):
        for number, values in source.objects(path):
            column = _label_column(written, key, values)
            named, label = key_of(values[key]), values[column]
            if named is None or is_missing(label):
                continue  # it belongs to no row, or is not known yet
            if isinstance(values[key], dict | list) or isinstance(label, dict | list):
                raise TrafficUnreadableError(path, number, "has no plain values")
            if labels.setdefault(named, str(label)) != str(label):
                raise TrafficUnreadableError(path, number, f"has another label for {key} {named}")
    return labels


def _label_column(written: str, key: str, values: Mapping[str, JSONValue]) -> str:
    others = [name for name in values if name != key]
    if key in values and (_LABEL in others or len(others) == 1):
        return _LABEL if _LABEL in others else others[0]
    raise LabelColumnError(written, key, tuple(values))


class Join:
    """Rows and labels: collects the predictions that have one, while the rows are counted."""

    def __init__(self, labels: Mapping[str, str], written: str, key: str) -> None:
        self._labels, self._written, self._key = labels, written, key
        self._rows = self._keys = 0
        self._joined: set[str] = set()
        self.found: list[Labelled] = []

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows as they are.

        Raises:
            LabelsNotJoinedError: Two rows have one label, or, at their end, no row had any.
        """
        for row in rows:
            self._rows += 1
            if row.key is not None:
                self._keys += 1
                if (label := self._labels.get(row.key)) is not None:
                    self._require_first(row.key)
                    self.found.append(Labelled(at=row.at, outputs=row.outputs, label=label))
            yield row
        if self._rows and not self.found:
            cause = "no label has the value of a row" if self._keys else "no row of the traffic has it"
            raise LabelsNotJoinedError(self._written, self._key, cause)

    def _require_first(self, key: str) -> None:
        if key in self._joined:
            raise LabelsNotJoinedError(
                self._written, self._key, f"several rows have {key!r}, as those of a batch do"
            )
        self._joined.add(key)
