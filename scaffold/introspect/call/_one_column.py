"""Recognise an output sample that is one column of the answer: the probability of one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._compare import same
from scaffold.introspect.call._invoke import call_model
from scaffold.introspect.call._passing import ways_to_pass
from scaffold.introspect.call._presentations import presentations
from scaffold.introspect.call._readings import readings
from scaffold.introspect.hints._estimators import standard_methods
from scaffold.spec import Arguments

_MOST_COLUMNS = 100


def column_call(model: object, sample: object, output: object) -> str:
    """Return the expression for `output`, e.g. `predict_proba(X)[:, 1]`; empty if there is none."""
    output_readings = readings(output)
    for method, answer in _answers(model, sample):
        is_frame = _checks.is_a(answer, "pandas.DataFrame")
        if not (is_frame or _checks.is_a(answer, "numpy.ndarray")) or len(answer.shape) != 2:
            continue
        for place in range(min(answer.shape[1], _MOST_COLUMNS)):
            column = answer.iloc[:, place] if is_frame else answer[:, place]
            if any(same(column, reading) for reading in output_readings):
                return f"{method}(X){'.iloc' if is_frame else ''}[:, {place}]"
    return ""


def _answers(model: object, sample: object) -> Iterator[tuple[str, Any]]:
    """Yield the answers of the standard methods to each presentation of the sample."""
    for method in standard_methods(model):
        for _, value in presentations(model, sample):
            for call, argument in ways_to_pass(model, method, value):
                if call.arguments is Arguments.ONE:
                    yield method, call_model(model, call, argument)
