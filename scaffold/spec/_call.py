"""How the model is called."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Runtime(enum.Enum):
    """Whose call convention the model follows."""

    PYTHON = "python"
    TORCH = "torch"
    ONNX = "onnx"
    XGBOOST_BOOSTER = "xgboost booster"


class Arguments(enum.Enum):
    """How the model's input becomes the arguments of the call."""

    ONE = "one"
    """`predict(x)`."""
    KEYWORDS = "keywords"
    """`predict(**x)`."""
    POSITIONAL = "positional"
    """`predict(*x)`."""
    AFTER_CONTEXT = "after context"
    """`predict(None, x)`: of a class that was written for MLflow, whose context there is none of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How the model is called: found by trying it on the sample."""

    method: str
    """The method's name; `__call__` for the object itself."""
    batched: bool
    """Whether one call takes many records; if not, each record is a call of its own."""
    wrapped: bool = False
    """Not batched: a record goes in as a container with one row (a frame, an array of shape `(1, k)`)."""
    arguments: Arguments = Arguments.ONE
    runtime: Runtime = Runtime.PYTHON
    outputs: tuple[str, ...] = ()
    """ONNX: the output names that are asked for."""
    inputs: tuple[str, ...] = ()
    """ONNX: the input names, in the order of the arguments."""
    columns: bool = False
    """ONNX: each input is one column of a table and goes in with shape `(n, 1)`."""
    keywords: tuple[tuple[str, bool], ...] = ()
    """Switches that are set for every call: `return_array=True`."""
    tensor: bool = False
    """torch: the input is made as an array and goes in as a tensor."""
    estimator: str = ""
    """xgboost, catboost: the class that a file of their own format is loaded as, e.g. `XGBClassifier`."""
    shortened: bool = False
    """scikit-learn: `app/columns.py` does what the ColumnTransformer does that the pipeline begins with."""
    evidence: str = ""
    """Why this call and no other: one line."""
