"""The plan of a compiled scoring path: the fitted steps of a model as constants and names of steps."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from scaffold.spec._dependencies import Requirement
from scaffold.spec._json import JSONValue


class Accelerate(enum.Enum):
    """How the service computes what the model computes."""

    OFF = "off"
    """It calls the model."""
    NUMPY = "numpy"
    """Code for this model in `app/fast.py`, where it is proven equal."""
    ONNX = "onnx"
    """The same, with the last step run by onnxruntime."""
    AUTO = "auto"
    """The fastest of these that is proven equal, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """An array of `model/fast.npz`."""

    parameter: str
    """The parameter of the step that takes it."""
    dtype: str
    """As numpy writes it in its files: `<f8`, `<U6`, `|b1`."""
    shape: tuple[int, ...]
    content: bytes
    """The elements in C order, or in that of Fortran."""
    fortran: bool = False
    """Whether they lie in memory in the order of Fortran: BLAS sums in another order then."""
    listed: bool = False
    """Whether the parameter takes a list of arrays, of which this is one."""
    as_object: bool = False
    """Whether the step takes it as an array of Python objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastOption:
    """A parameter of a step whose argument stands in the code."""

    parameter: str
    value: JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class FastStep:
    """One fitted step, which a class in `templates/service/fast/` computes."""

    step: str
    """The name of that class; the library's own name of the step."""
    constants: tuple[Constant, ...] = ()
    options: tuple[FastOption, ...] = ()
    inner: FastStep | None = None
    """What that class takes first: what sums the leaves of trees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastBranch:
    """Columns of the input, and the steps that they go through beside the other branches."""

    columns: tuple[str, ...]
    """The names of the fields."""
    numeric: bool
    """Whether the first step takes the columns as one array of numbers, rather than each as its own."""
    steps: tuple[FastStep, ...] = ()
    dtype: str = ""
    """The dtype of that array, to which each value is rounded once, integers too; empty for that of numpy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastGraph:
    """The last step as a graph of ONNX, and what the service needs to run it."""

    content: bytes
    """`model/fast.onnx`."""
    thresholds: tuple[Constant, ...] = ()
    """The arrays `feature` and `threshold` of trees, on which both are compared."""
    requirement: Requirement | None = None
    """What runs it."""
    lock: str = ""
    """The lock of the project with that requirement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FastPlan:
    """All steps of a model."""

    branches: tuple[FastBranch, ...] = ()
    """What a ColumnTransformer does; empty for a model that takes the input as one array."""
    dtype: str = ""
    """The dtype of that array."""
    of_frame: bool = False
    """Whether the model takes it as a frame, whose columns lie one after the other in memory."""
    steps: tuple[FastStep, ...] = ()
    """The steps between these and the last one."""
    estimator: FastStep
    methods: tuple[str, ...]
    """The methods of the estimator that are compiled, that of the service first."""
    graph: FastGraph | None = None
    """What computes the estimator, where that is not numpy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFastPlan:
    """Why a model has no plan."""

    reason: str
    """`TargetEncoder has no compiled form`."""
    needs_converter: bool = False
    """Whether it has one where its converter is installed, such as skl2onnx."""
