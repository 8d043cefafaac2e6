"""Load a model file and call the model: the two things that several rooms and the traced child process do.

Standard library only at import: the child that finds out what a model needs must not import anything else
that is ours.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from scaffold.spec import Arguments, Call, ModelFormat


def load(path: Path, format: ModelFormat) -> Any:
    """Return the model in `path`. Its names must have passed the trust gate: this runs what they name."""
    with path.open("rb") as file:
        if format is ModelFormat.JOBLIB:
            import joblib

            return joblib.load(file)
        return pickle.load(file)


def invoke(model: Any, call: Call, value: Any) -> Any:
    """Return what `model` answers to `value`: many records at once if `call.batched`, else one record."""
    function = getattr(model, call.method)
    if call.arguments is Arguments.KEYWORDS:
        return function(**value)
    if call.arguments is Arguments.POSITIONAL:
        return function(*value)
    return function(value)
