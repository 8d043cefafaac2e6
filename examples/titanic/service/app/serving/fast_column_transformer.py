"""The first step of the model, without what goes on around it at each call.

Before a ColumnTransformer hands columns to its steps it checks what the schema has checked, and
plans for parallel work, which can take as long as the rest of the model. Here the steps, as they
were fitted, get the same columns, and what they return stands side by side in the same order.
"""

import copy
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

# What these make of a frame, they make of an array too, in a third of the time.
NUMERIC = {MaxAbsScaler, MinMaxScaler, RobustScaler, SimpleImputer, StandardScaler}
CATEGORICAL = {OneHotEncoder, OrdinalEncoder}


def speed_up(model: Any) -> None:
    """Make `transform` below what the first step of the pipeline does."""
    columns = model.steps[0][1]
    # A frame finds the columns of an Index in half the time that it takes for a list.
    parts = [
        (pd.Index(names), None if passes_on(step) else step, for_arrays(step))
        for _, step, names in columns.transformers_
        if step != "drop" and len(names)
    ]
    columns.transform = partial(transform, parts)


def passes_on(step: Any) -> bool:
    """Whether a step only passes its columns on."""
    return isinstance(step, FunctionTransformer) and step.func is None and not step.validate


def for_arrays(step: Any) -> list[Any]:
    """Return what a step does, as copies that ask for no names of columns; none if it does more."""
    steps = [each for _, each in step.steps] if type(step) is Pipeline else [step]
    for each in steps:
        if type(each) not in NUMERIC | CATEGORICAL or hasattr(each, "_sklearn_output_config"):
            return []
    steps = copy.deepcopy(steps)
    for each in steps:
        vars(each).pop("feature_names_in_", None)
    return steps


def transform(parts: list[tuple["pd.Index[str]", Any, list[Any]]], frame: Any) -> NDArray[Any]:
    """Return what the steps make of their columns of a frame, side by side."""
    return np.hstack([transform_part(frame, *part) for part in parts])


def transform_part(frame: Any, names: "pd.Index[str]", step: Any, steps: list[Any]) -> Any:
    """Return what a step makes of its columns, in `steps` for arrays if there are such."""
    made: Any = None
    if steps:
        made = to_array([frame[name].values for name in names], type(steps[0]) in NUMERIC)
    if made is None:
        made, steps = frame[names], [] if step is None else [step]
    for each in steps:
        made = each.transform(made)
    return made.toarray() if sparse.issparse(made) else made


def to_array(columns: list[Any], numeric: bool) -> NDArray[Any] | None:
    """Return columns of numbers and text as one array, None if there are others.

    For `numeric` steps, integers beside floats become floats, as in a frame.
    """
    dtypes = {column.dtype for column in columns}
    known = np.dtype | pd.StringDtype
    if not all(isinstance(each, known) and each.kind in "fiO" for each in dtypes):
        return None
    if all(each.kind in "fi" for each in dtypes) and (numeric or len(dtypes) == 1):
        return np.stack(columns).T  # as in a frame: another order in memory may change the last bit
    made = np.empty((len(columns[0]), len(columns)), dtype=object)
    for i, column in enumerate(columns):
        made[:, i] = column
    return made
