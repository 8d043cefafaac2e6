"""The first step of the model, without what goes on around it at each call.

Before a ColumnTransformer hands columns to its steps it checks what the schema has checked, and
plans for parallel work, which can take as long as the rest of the model. Here the steps, as they
were fitted, get the same columns, and what they return stands side by side in the same order.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import FunctionTransformer


def shorten(model: Any) -> None:
    """Make `transform` below what the first step of the pipeline does."""
    columns = model.steps[0][1]
    # A frame finds the columns of an Index in half the time that it takes for a list.
    parts = [
        (pd.Index(names), None if passes_on(step) else step)
        for _, step, names in columns.transformers_
        if step != "drop" and len(names)
    ]
    columns.transform = partial(transform, parts)


def passes_on(step: Any) -> bool:
    """Whether a step only passes its columns on."""
    return isinstance(step, FunctionTransformer) and step.func is None and not step.validate


def transform(parts: list[tuple["pd.Index[str]", Any]], frame: Any) -> NDArray[Any]:
    """Return what the steps make of their columns of a frame, side by side."""
    made = [frame[names] if step is None else step.transform(frame[names]) for names, step in parts]
    return np.hstack([part.toarray() if sparse.issparse(part) else part for part in made])
