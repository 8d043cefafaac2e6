"""How the model is called: one value for each call convention."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias, Union


class Batching(enum.Enum):
    """How many records go into one call."""

    TOGETHER = "together"
    """Many."""
    ALONE = "alone"
    """One, as it is."""
    ONE_ROW = "one row"
    """One, as a container with one row: a frame, an array of shape `(1, k)`."""


class Arguments(enum.Enum):
    """How the model's input becomes the arguments of the call."""

    ONE = "one"
    """`predict(x)`."""
    KEYWORDS = "keywords"
    """`predict(**x)`."""
    POSITIONAL = "positional"
    """`predict(*x)`."""
    AFTER_CONTEXT = "after context"
    """`predict(None, x)`, for a class written for MLflow: the service has no context of MLflow."""


class Feed(enum.Enum):
    """How the model's input becomes the inputs of an ONNX session."""

    ONE = "one"
    """It is the only input."""
    BY_NAME = "by name"
    """It is a dict of them."""
    COLUMNS = "columns"
    """It is a dict of columns: each goes in with shape `(n, 1)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calling:
    """What all calls have in common."""

    batching: Batching = Batching.ALONE
    evidence: str = ""
    """Why this call and no other: one line."""

    @property
    def batched(self) -> bool:
        """Whether one call takes many records; if not, each record is a call of its own."""
        return self.batching is Batching.TOGETHER

    @property
    def wrapped(self) -> bool:
        """Whether the model takes a record as a container with one row."""
        return self.batching is Batching.ONE_ROW


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCall(_Calling):
    """A method of an object, or the object itself."""

    method: str
    """The method's name; `__call__` for the object itself."""
    arguments: Arguments = Arguments.ONE
    keywords: tuple[tuple[str, bool], ...] = ()
    """Switches that are set for every call: `return_array=True`."""
    estimator: str = ""
    """xgboost, catboost: the class that a file of their own format is loaded as, e.g. `XGBClassifier`."""
    shortened: bool = False
    """scikit-learn: whether `fast_column_transformer.py` replaces the first step of the pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchCall(_Calling):
    """A module of torch, or a method of one, without gradients."""

    method: str
    arguments: Arguments = Arguments.ONE
    tensor: bool = False
    """Whether the input is made as an array and goes in as a tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCall(_Calling):
    """The `run` of an ONNX session."""

    inputs: tuple[str, ...]
    """The input names, in the order of the arguments."""
    outputs: tuple[str, ...]
    """The output names that are asked for."""
    feed: Feed = Feed.ONE

    @property
    def method(self) -> str:
        """Return the name of the method."""
        return "run"

    @property
    def arguments(self) -> Arguments:
        """Return what several inputs are like: keyword arguments."""
        return Arguments.ONE if self.feed is Feed.ONE else Arguments.KEYWORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class BoosterCall(_Calling):
    """The `predict` of a Booster of xgboost, which takes a DMatrix."""

    @property
    def method(self) -> str:
        """Return the name of the method."""
        return "predict"

    @property
    def arguments(self) -> Arguments:
        """Return that there is one."""
        return Arguments.ONE


Call: TypeAlias = Union[PythonCall, TorchCall, SessionCall, BoosterCall]  # noqa: UP007
