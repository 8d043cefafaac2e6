"""Convert runs to tags, parameters and metrics of MLflow, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from scaffold.spec import JSONValue
from scaffold.store._values import Model

_DATA, _PYTHON, _SHA256 = "training_data.", "python", "sha256"
_MOST_PARAM_CHARACTERS = 500
"""The most that every MLflow 3 takes."""


def run_of_model(model: Model) -> dict[str, Any]:
    """Return the facts to log for a registered model and its run."""
    run = model.run
    assert run is not None
    tags = {
        "mlflow.user": run.by,
        "mlflow.source.git.commit": run.git_revision,
        _PYTHON: run.python,
        **{f"{_DATA}{name}": str(run.data[name]) for name in ("sha256", "rows") if name in run.data},
    }
    files = {"training_data.json": run.data, "confusion_matrix.json": run.confusion_matrix}
    return {
        "name": model.name,
        "aliases": list(model.aliases),
        "version_tags": {_SHA256: model.sha256},
        "params": {name: _text(value) for name, value in run.params.items()},
        "metrics": dict(run.metrics),
        "tags": {name: text for name, text in tags.items() if text},
        "documents": {name: dict(content) for name, content in files.items() if content},
    }


def data_in(tags: Sequence[tuple[str, str]]) -> dict[str, JSONValue]:
    """Return the description of the training data in the tags of a run."""
    values = {name.removeprefix(_DATA): text for name, text in tags if name.startswith(_DATA)}
    return {name: int(text) if re.fullmatch(r"\d{1,18}", text) else text for name, text in values.items()}


def python_in(tags: Sequence[tuple[str, str]]) -> str:
    """Return the version of Python in the tags of a run; empty without one."""
    return dict(tags).get(_PYTHON, "")


def sha256_in_tags(tags: Sequence[tuple[str, str]]) -> str:
    """Return the hash of a model's file in the tags of its version; empty without one."""
    text = dict(tags).get(_SHA256, "")
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else ""


def _text(value: JSONValue) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:_MOST_PARAM_CHARACTERS]
