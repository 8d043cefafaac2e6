"""The traffic of a service cannot be compared with the baseline of its model."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.errors.branches import DriftError, UsageError
from scaffold.errors.wording import invocation, option


class NoBaselineError(DriftError):
    """A project has no baseline to compare with."""

    project: str

    def __str__(self) -> str:
        return (
            f"{self.project} has no model/baseline.json to compare with. Write it from the sample:\n"
            f"  {invocation('update', self.project, answers={'drift': 'true'})}"
        )


class EmptyBaselineError(DriftError):
    """The baseline of a project has neither fields nor predictions: its rows were few, or of another kind."""

    project: str

    def __str__(self) -> str:
        command = invocation(
            "update", self.project, model="model.pkl", input="sample.pkl", baseline="training.parquet"
        )
        return (
            f"The baseline of {self.project} has no field to compare.\n"
            "Make it from training data, which have ten rows or more with numbers or labels:\n"
            f"  {command}"
        )


class InvalidBaselineError(DriftError):
    """The baseline of a project is not what this package writes there."""

    path: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.path} is no baseline: {self.cause}.\n"
            "Restore it from version control; an update writes it anew where the file is absent."
        )


class TrafficNotFoundError(DriftError):
    """No file is at the path of the traffic, or at that of the labels."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} names no file."


class TrafficUnreadableError(DriftError):
    """A log, a table, labels or the answer of a server are not what they should be.

    Args:
        source: The file, or the URL.
        line: The line or row; 0 for all of it.
        cause: What is wrong.
    """

    source: str
    line: int
    cause: str

    def __str__(self) -> str:
        where = f"{self.source}, row {self.line}" if self.line else self.source
        return f"{where} cannot be compared: {self.cause}."


class NoTrafficError(DriftError):
    """The source has no request to compare.

    Args:
        source: What was named.
        since: The time that is compared; empty if a longer one would have no request either.
    """

    source: str
    since: str

    def __str__(self) -> str:
        if self.since:
            return (
                f"{self.source} has no request of the last {self.since}.\n"
                f"Another time: {option('since', '30d')}"
            )
        return (
            f"{self.source} has no request.\n"
            "A line of a log has an input and an output: LOG_PREDICTIONS=1 lets the service write one.\n"
            "A table has columns by the names in the baseline."
        )


class UnknownTrafficError(UsageError):
    """A text is no source of traffic that is known."""

    found: str

    def __str__(self) -> str:
        forms = ("logs.jsonl", "table.parquet", "table.csv", "prometheus:http://host:9090")
        lines = "\n".join(f"  {option('traffic', form)}" for form in forms)
        return f"{self.found!r} is no source of requests that is known:\n{lines}"


class SinceError(UsageError):
    """The time that is compared is no duration."""

    found: str

    def __str__(self) -> str:
        return f"{self.found!r} is no duration in weeks, days, hours or minutes.\n  {option('since', '7d')}"


class LabelsNotJoinedError(DriftError):
    """No label belongs to any prediction.

    Args:
        labels: The file.
        key: The name that joins both.
        cause: What is wrong.
    """

    labels: str
    key: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.labels} cannot be joined with the predictions by {self.key!r}: {self.cause}.\n"
            "Both need a column or a field with the same values. Name it:\n"
            f"  {option('key', 'request_id')}"
        )


class LabelColumnError(DriftError):
    """Labels have no column for the key, or several that may be the label."""

    labels: str
    key: str
    columns: Sequence[str]

    def __str__(self) -> str:
        return (
            f"{self.labels} needs the column {self.key!r} and one named 'label'.\n"
            f"  its columns: {', '.join(self.columns)}"
        )


class NoRowsToLabelError(UsageError):
    """Labels are named for a source that has counts and no rows."""

    source: str

    def __str__(self) -> str:
        return (
            f"{self.source} has counts and no rows that a label could belong to.\n"
            f"Name a log or a table: {option('traffic', 'logs.jsonl')}"
        )
