"""A `PythonModel` of MLflow with the artifacts of its context, as a folder of files.

Source: MLflow, "Custom Python models": `load_context(context)` once, then `predict(context, model_input)`.
Standard library only at import, as `base.model`.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scaffold.base.folder import parse_folder, require_listed
from scaffold.base.unpickle import Names, load_pickle

PICKLE = "python_model.pkl"
CONTEXT = "context.json"
"""The paths of the artifacts by name, and the configuration of the model."""


def context_content(artifacts: dict[str, str], model_config: object) -> bytes:
    """Return the bytes of the file `CONTEXT`."""
    context = {"artifacts": artifacts, "model_config": model_config}
    return (json.dumps(context, indent=1, sort_keys=True) + "\n").encode()


def load_python_function(path: Path, content: bytes, names: Names) -> PythonFunction:
    """Return the model in the folder beside the list at `path`.

    Args:
        path: The list, which must have passed the gate.
        content: What it holds.
        names: The names that the pickle may look up.

    Raises:
        NotAModelError: Its files are not those that are listed.
    """
    from mlflow.pyfunc.model import PythonModelContext

    folder = require_listed(path, parse_folder(path, content))
    described = json.loads((folder / CONTEXT).read_text(encoding="utf-8"))
    artifacts = {name: str(folder / place) for name, place in described["artifacts"].items()}
    with (folder / PICKLE).open("rb") as file:
        model = load_pickle(file, names)
    return PythonFunction(model, PythonModelContext(artifacts, described["model_config"]))


class PythonFunction:
    """A `PythonModel` that has its context. The generated service has the same class."""

    def __init__(self, model: Any, context: Any) -> None:
        model.load_context(context)
        self.model = model
        self.predict: Callable[..., Any] = model.predict
        names = [name for name in inspect.signature(model.predict).parameters if name != "params"]
        if "context" in names or len(names) == 2:
            self.predict = functools.partial(model.predict, context)
