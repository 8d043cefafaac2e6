"""The model: `load` reads it once, `run` scores records."""

import pickle
from pathlib import Path
from typing import Any

from app.convert import from_model, to_model
from app.schemas import ModelInput, ModelOutput
from app.serving.model_file import open_model
from app.settings import MODEL_SHA256

MODEL = Path(__file__).parents[1] / "model" / "model.pkl"
# One call may get the records of several requests. Set False if a step of yours computes something
# across records, such as their mean.
BATCHED = True

_model: Any = None


def load() -> None:
    """Load the model. `open_model` raises if the file is not the one that was tested."""
    global _model
    with open_model(MODEL, MODEL_SHA256) as file:
        _model = pickle.load(file)


def run(records: list[ModelInput]) -> list[ModelOutput]:
    """Return one answer for each record, in order, by one call of the model."""
    inputs = to_model(records)
    # Your steps before the model: unit conversion, features from other sources.
    predictions = _model.predict(inputs)
    # Your steps after the model: labels. A threshold on probabilities needs `predict_proba`.
    return from_model(predictions)
