"""The model: loaded once, then asked. The place for steps of your own before it and after it."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

from app.columns import shorten
from app.convert import from_model, to_model
from app.schemas import ModelInput, ModelOutput
from app.settings import MODEL_SHA256

MODEL = Path(__file__).parent / "model" / "model.pkl"
# One call takes many records: batching.py puts those together that wait together.
BATCHED = True

_model: Any = None


def init() -> None:
    """Load the model, if its file is the one that this service was proven with."""
    global _model
    with MODEL.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        if digest.hexdigest() != MODEL_SHA256:
            raise ValueError(f"{MODEL.name} is another file: its sha256 is not MODEL_SHA256")
        file.seek(0)
        _model = pickle.load(file)
        shorten(_model)


def run(records: list[ModelInput]) -> list[ModelOutput]:
    """Score the records, all in one call of the model."""
    inputs = to_model(records)
    # Steps of your own before the model: a check across fields, features from elsewhere.
    predictions = _model.predict(inputs)
    # And after it: a threshold, labels for codes, a calibration.
    return from_model(predictions)
