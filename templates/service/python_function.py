"""A `PythonModel` of MLflow with the artifacts that its context names."""

import functools
import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow.pyfunc.model import PythonModelContext


class PythonFunction:
    """The model in `folder`, after `load_context`. `predict` takes the input alone."""

    def __init__(self, folder: str) -> None:
        place = Path(folder)
        described = json.loads((place / "context.json").read_text(encoding="utf-8"))
        artifacts = {name: str(place / path) for name, path in described["artifacts"].items()}
        config = described["model_config"]
        context = PythonModelContext(artifacts, config)  # type: ignore[no-untyped-call]
        with (place / "python_model.pkl").open("rb") as file:
            model = pickle.load(file)
        model.load_context(context)
        self.predict: Callable[..., Any] = model.predict
        names = [name for name in inspect.signature(model.predict).parameters if name != "params"]
        # A class may leave the context out of `predict`: MLflow tells by the parameters.
        if "context" in names or len(names) == 2:
            self.predict = functools.partial(model.predict, context)
