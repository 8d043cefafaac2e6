"""Between HTTP and the model: records in the form it takes, its answers as records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.schemas import ModelInput, ModelOutput


def to_model(records: Sequence[ModelInput]) -> pd.DataFrame:
    """Return the frame that the model takes: its columns in order, each with its dtype."""
    return pd.DataFrame(
        {
            "Pclass": np.array([record.Pclass for record in records], dtype="int64"),
            "Sex": pd.array([record.Sex for record in records], dtype="str"),
            "Age": np.array([record.Age for record in records], dtype="float64"),
            "SibSp": np.array([record.SibSp for record in records], dtype="int64"),
            "Parch": np.array([record.Parch for record in records], dtype="int64"),
            "Fare": np.array([record.Fare for record in records], dtype="float64"),
            "Embarked": pd.array([record.Embarked for record in records], dtype="str"),
        }
    )


def from_model(predictions: NDArray[Any]) -> list[ModelOutput]:
    """Return one answer per record, in order."""
    return [ModelOutput(prediction=prediction) for prediction in predictions.tolist()]
