"""The baseline of a service, from the sample or from training data.

`examined_baseline` runs in the worker, which has the model and all rows; `recorded_baseline` has the recorded
rows of a project whose model is not loaded again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.base import model as base_model
from scaffold.base.baseline import LEAST_ROWS, Columns, columns_of, summarize_columns
from scaffold.errors import BaselineFieldsError, BaselineFormatError
from scaffold.errors.wording import counted
from scaffold.spec import Baseline, JSONValue, Recording, Signature, fields_of

if TYPE_CHECKING:
    from scaffold.introspect import Introspection

SAMPLE = "the sample"
_MOST_ROWS = 200_000
"""Of training data with more rows, as many evenly spaced ones are summarized; the ranges are those of all."""
_MOST_PREDICTED = 5_000


def recorded_baseline(recording: Recording, signature: Signature) -> Baseline:
    """Return the baseline of recorded requests and answers."""
    return Baseline(
        rows=len(recording.requests),
        made_from=SAMPLE,
        fields=summarize_columns(columns_of(recording.requests), _labels_of(signature, recording)),
        predictions=summarize_columns(columns_of(recording.answers), _labels_of(signature, recording)),
        predictions_from=SAMPLE,
        predicted_rows=len(recording.answers),
    )


def examined_baseline(
    inferred: Introspection, model: object, job: Mapping[str, Any]
) -> tuple[Baseline | None, list[str]]:
    """Return the baseline of the training data, or of the sample without such, and notes on it.

    Args:
        inferred: The sample and how the model is called.
        model: The loaded model.
        job: Says by `drift` whether there is a baseline, and by the option `baseline` which file holds
            training data: a column for each field.

    Raises:
        BaselineFormatError: The file is no table of data.
        BaselineFieldsError: It has none of the fields.
        ReadError: It cannot be read.
    """
    if not job["drift"]:
        return None, []
    baseline = recorded_baseline(inferred.recording, inferred.signature)
    training = job["options"].get("baseline")
    if training is None:
        return baseline, _notes_on_few(baseline)
    path = Path(training)
    table = _read_table(path)
    names = list(columns_of(inferred.recording.requests))
    columns = {name: table.column(name) for name in names if name in table.names}
    if not columns:
        raise BaselineFieldsError(path.name, tuple(names), tuple(table.names))
    absent = ", ".join(name for name in names if name not in columns)
    notes = [f"{path.name} has no column for {absent}, so the baseline has no such field"] if absent else []
    labels = _labels_of(inferred.signature, inferred.recording)
    baseline = replace(baseline, rows=table.rows, made_from=path.name, fields=summarize_columns(columns))
    notes += _notes_on_few(baseline)
    answers = _predictions(inferred, model, table)
    if answers is None:
        notes.append(f"the predictions of the baseline are those of the sample, not of {path.name}")
        return baseline, notes
    predictions = summarize_columns(columns_of(answers), labels)
    baseline = replace(
        baseline, predictions=predictions, predictions_from=path.name, predicted_rows=len(answers)
    )
    return baseline, notes


def with_former_fields(made: Baseline, former: Baseline | None, recording: Recording) -> Baseline:
    """Return the baseline of a new model whose training data are absent.

    Its fields are those of the former baseline that the new model has too; its predictions are those of the
    new model for its sample.

    Args:
        made: The baseline from the sample of the new model.
        former: The baseline of the former model.
        recording: The sample of the new model.
    """
    if former is None or former.made_from == SAMPLE:
        return made
    names = columns_of(recording.requests)
    kinds = {field.name: type(field) for field in made.fields}
    fields = tuple(
        field
        for field in former.fields
        if field.name in names and kinds.get(field.name, type(field)) is type(field)
    )
    return replace(made, rows=former.rows, made_from=former.made_from, fields=fields) if fields else made


def _notes_on_few(baseline: Baseline) -> list[str]:
    """Return a note if the baseline has no field: its rows are few, or fields are free text and the like."""
    if baseline.fields:
        return []
    if baseline.rows < LEAST_ROWS:
        enough = "a baseline needs ten rows or more"
        return [f"{counted(baseline.rows, 'row')}, and {enough}: --baseline FILE makes it from training data"]
    return ["the baseline has no field: free text, dates, images and lists of many numbers are not compared"]


def _labels_of(signature: Signature, recording: Recording) -> Collection[str]:
    """Return the predictions that are classes, also those in a list."""
    classes = {
        field.name
        for field in fields_of(signature.output)
        if field.evidence.classes is not None and not field.evidence.classes.each
    }
    names = columns_of(recording.answers[:1])
    return {name for name in names if name in classes or name.rpartition(".")[0] in classes}


@dataclass(frozen=True, slots=True)
class _Table:
    """Training data: a pandas frame, or the columns of a list of objects."""

    rows: int
    names: Collection[str]
    frame: Any = None
    columns: Columns | None = None

    def column(self, name: str) -> Sequence[JSONValue]:
        """Return the values of a column; None for a missing one."""
        return self.columns[name] if self.columns is not None else _values_of(self.frame[name])


def _read_table(path: Path) -> _Table:
    from scaffold.read import holds_data, read_sample

    if path.is_file() and not holds_data(path):
        raise BaselineFormatError(path.name)
    data = read_sample(path)
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        frame = data.rename(columns=str)
        return _Table(len(frame), list(frame.columns), frame=frame)
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        columns = columns_of(data)
        return _Table(len(data), list(columns), columns=columns)
    raise BaselineFormatError(path.name)


def _values_of(series: Any) -> list[JSONValue]:
    """Return the values of a column; of many, evenly spaced ones and those at the ends of the range."""
    step = -(-len(series) // _MOST_ROWS)
    if step > 1:
        ends = [series.min(), series.max()] if series.dtype.kind in "iuf" else []
        return [*_values_of(series.iloc[::step]), *_values_of(series[series.isin(ends)].drop_duplicates())]
    return [None if absent else value for value, absent in zip(series.tolist(), series.isna(), strict=True)]


def _predictions(inferred: Introspection, model: object, table: _Table) -> Sequence[JSONValue] | None:
    """Return the model's answers to rows of a frame; None where the model takes no frame of its columns."""
    from scaffold.introspect import encode_answers

    sample = inferred.sample
    if table.frame is None or not inferred.signature.call.batched or not hasattr(sample, "dtypes"):
        return None
    names = list(getattr(sample, "columns", ()))
    if not names or not {str(name) for name in names} <= set(table.names):
        return None
    step = -(-table.rows // _MOST_PREDICTED) or 1
    try:
        frame = table.frame.iloc[::step][[str(name) for name in names]].reset_index(drop=True)
        frame = frame.set_axis(names, axis=1).astype(dict(sample.dtypes))
        output = base_model.invoke(model, inferred.signature.call, frame)
        return encode_answers(inferred, output, len(frame))
    except Exception:
        # The columns hold what the model does not take, such as missing values: the sample has none of them.
        return None
