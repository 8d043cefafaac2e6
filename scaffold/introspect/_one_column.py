"""Find an output sample that is one column of what the model gives: the probability of one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._ask import ask
from scaffold.introspect._compare import same
from scaffold.introspect._estimators import known_methods
from scaffold.introspect._presentations import presentations
from scaffold.introspect._readings import readings
from scaffold.introspect._ways import ways_to_pass
from scaffold.spec import Arguments

_MOST_COLUMNS = 100


def column_call(model: object, sample: object, output: object) -> str:
    """Return the expression that gives `output`, as `predict_proba(X)[:, 1]`; empty where none is found."""
    wants = readings(output)
    for method, answer in _answers(model, sample):
        is_frame = _kinds.kin(answer, "pandas.DataFrame")
        if not (is_frame or _kinds.kin(answer, "numpy.ndarray")) or len(answer.shape) != 2:
            continue
        for place in range(min(answer.shape[1], _MOST_COLUMNS)):
            column = answer.iloc[:, place] if is_frame else answer[:, place]
            if any(same(column, want) for want in wants):
                return f"{method}(X){'.iloc' if is_frame else ''}[:, {place}]"
    return ""


def _answers(model: object, sample: object) -> Iterator[tuple[str, Any]]:
    """Yield what the methods with known names give for the sample, each presented as far as needed."""
    for method in known_methods(model):
        for _, value in presentations(model, sample):
            for call, given in ways_to_pass(model, method, value):
                if call.arguments is Arguments.ONE:
                    yield method, ask(model, call, given)
