"""Between HTTP and the model: records in the form it takes, its answers as records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.schemas import ModelInput, ModelOutput


def to_model(records: Sequence[ModelInput]) -> NDArray[Any]:
    """Return the array that the model takes."""
    return np.array(
        [
            [
                record.sepal_length_cm,
                record.sepal_width_cm,
                record.petal_length_cm,
                record.petal_width_cm,
            ]
            for record in records
        ],
        dtype="float64",
    )


def from_model(predictions: NDArray[Any]) -> list[ModelOutput]:
    """Return one answer per record, in order."""
    return [ModelOutput(prediction=prediction) for prediction in predictions.tolist()]
