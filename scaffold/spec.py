"""The values that pass between stages.

Each stage takes frozen values and returns a frozen value; this file names them all. It uses the
standard library only, and so do the modules that import it at their top.

    read        ->  Artifact
    introspect  ->  Signature (Schema, Call) and Recording
    resolve     ->  Dependencies
    api         ->  ProjectSpec
    render      ->  RenderedProject
    verify      ->  Verification
    image       ->  Image
    deploy      ->  Deployment
    api         ->  ProjectRecord
"""

from __future__ import annotations

import enum
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, Union

JSONScalar: TypeAlias = "bool | int | float | str | None"
JSONValue: TypeAlias = "JSONScalar | list[JSONValue] | dict[str, JSONValue]"

TOLERANCE = 1e-6
"""How far the answer to a row may lie from that row's own answer, whatever it is asked with: relative to the
number, or to the largest number in the same answer. Everything but floats is compared exactly."""


# --------------------------------------------------------------------------- read


class ModelFormat(enum.Enum):
    """How the bytes of a model file are laid out; told by content, never by the file's ending."""

    PICKLE = "pickle"
    JOBLIB = "joblib"
    TORCH = "torch"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    CATBOOST = "catboost"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalName:
    """A `module.qualname` that the opcodes of a pickle mention."""

    module: str
    qualname: str
    offset: int
    """Byte offset of the opcode, in the uncompressed stream that holds it."""
    member: str | None = None
    """Name of the archive's member that holds the stream, e.g. `archive/data.pkl`."""

    @property
    def dotted(self) -> str:
        """`module.qualname`; the module alone where code that the file carries imports it."""
        return f"{self.module}.{self.qualname}".rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeWith:
    """What a file says of the Python and the libraries that it was made with."""

    pythons: tuple[str, ...] = ()
    """The minor versions that can have compiled the functions in it: several where it is alike."""
    carries_code: bool = False
    """Whether it carries functions as bytecode. Without `pythons` they are of no version that is known."""
    versions: MappingABC[str, str] = field(default_factory=dict)
    """The version of each distribution that the file names."""
    bounds: MappingABC[str, str] = field(default_factory=dict)
    """A specifier, `<2`, of each distribution whose modules have moved since."""

    @property
    def python(self) -> str | None:
        """The minor version that compiled its functions, where only one can have."""
        return self.pythons[0] if len(self.pythons) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model file, as far as it can be known without running anything in it."""

    path: Path
    sha256: str
    size_bytes: int
    format: ModelFormat
    compression: str | None = None
    """`zlib`, `gzip`, `bz2`, `xz`, `lzma`, `lz4` or `zip`, where the file is compressed."""
    globals: tuple[GlobalName, ...] = ()
    provenance: str = ""
    """Where it came from, as a person would say it: a path as typed, a URL, `an object in memory`."""
    written: str = ""
    """The day when the file was written, ISO 8601."""
    made_with: MadeWith = field(default_factory=MadeWith)


# --------------------------------------------------------------------------- introspect: schemas


class ScalarType(enum.Enum):
    """The types of one JSON value that is neither list nor object."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    DECIMAL = "decimal"
    UUID = "uuid"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    AWARE_DATETIME = "aware datetime"
    DURATION = "duration"
    PERIOD = "period"
    BYTES = "bytes"
    NULL = "null"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value.

    `native` is what the model is given: a Python type (`int`, `datetime`), a scalar of a library
    (`numpy.float32`, `pandas.Timestamp[Europe/Oslo]`), or the dtype of the array that the value goes into.
    """

    type: ScalarType
    native: str = ""
    minimum: int | float | None = None
    """The least and the greatest value that `native` can hold, where JSON could say more."""
    maximum: int | float | None = None
    max_length: int | None = None
    """The longest text that `native` can hold."""
    choices: tuple[JSONScalar, ...] = ()
    """The only values allowed."""
    constraints: tuple[tuple[str, JSONScalar], ...] = ()
    """What an annotation asks for beside the type: arguments of pydantic's `Field`, as `ge` and `pattern`."""
    nanoseconds: bool = False
    """Whether a moment or a span of time has nine digits of a second; Python's own have six."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of the levels of a categorical dtype, by its value; `of` describes a level."""

    of: Scalar
    levels: tuple[JSONScalar, ...]
    ordered: bool = False
    native: str = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional:
    """A value that may be `null`; `missing` is what the model is given then: `None`, `nan`, `NA` or `NaT`."""

    of: Schema
    missing: str = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A value of one of several types."""

    of: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A list of any length, or of exactly `length` items."""

    items: Schema
    length: int | None = None
    native: str = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuple:
    """A list with a type for each place."""

    items: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """An object whose keys are data, not field names."""

    values: Schema
    keys: Scalar = Scalar(type=ScalarType.STRING, native="str")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One named part of a record: a column, a key, an argument."""

    name: str
    """The name on the wire: the column's own, as text."""
    attribute: str
    """The name in Python: an identifier, unique in its record."""
    schema: Schema
    dtype: str = ""
    """The dtype of the column, in a table."""
    label: str = ""
    """What the model calls it, as a Python literal, where that is no text: `0`, `('a', 'b')`."""
    required: bool = True
    default: JSONValue = None
    """What an absent field stands for; only where `required` is false."""
    example: JSONValue = None
    """One made-up value, for the API page."""
    evidence: str = ""
    """Why the field is what it is: one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An object with known fields.

    `native` is what the model is given: `dict`, `pandas.Series`, `arrays` (a dict with a stacked array for
    each field) or `namespace`.
    """

    fields: tuple[Field, ...]
    native: str = "dict"
    options: tuple[str, ...] = ()
    """`arrays`: the fields that are no row of an array, and go into the call as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Records that are the rows of a frame: one field per column, under the column's own name.

    `native` is `pandas`, `polars`, `pyarrow`, `structured` (a numpy array of named fields), `array` (an
    unnamed numpy array of `dtype`, whose names the model knows) or `list` (of dicts).
    """

    columns: tuple[Field, ...]
    native: str
    dtype: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Records that are slices of an array: `{"data": [...]}` with the shape after the first axis.

    `native` is `numpy`, `torch` or a scipy format such as `csr_matrix`; `items` describes one number.
    """

    shape: tuple[int, ...]
    dtype: str
    items: Schema
    native: str
    stacked: bool = True
    """Whether many records are one array; if not, each is an array of its own, in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A record or an answer that is no object by itself: `{"data": ...}`, `{"prediction": ...}`."""

    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Records that are spread over several arrays, one row of each: `(distances, indices)` of neighbours."""

    items: tuple[Schema, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Records that are the values of one Series. `native` is `pandas` or `polars`."""

    items: Schema
    dtype: str
    native: str
    label: str = ""
    """The name of the Series, as a Python literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image, base64 on the wire; the model is given a PIL image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserType:
    """A class of the user's own, e.g. a pydantic model, dataclass or Enum: it keeps its own rules.

    `native` is `pydantic`, `dataclass`, `namedtuple` or `enum`.
    """

    module: str
    qualname: str
    native: str
    seen: Schema | None = None
    """What its values hold, by the names on the wire; `label` is the attribute where that is another."""
    example: JSONValue = None
    """Made-up JSON that the class takes; `None` where none was found."""


Schema: TypeAlias = Union[  # noqa: UP007
    Scalar,
    Category,
    Optional,
    Either,
    List,
    Tuple,
    Mapping,
    Record,
    Table,
    Tensor,
    Value,
    Parts,
    Column,
    Picture,
    UserType,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a person said about the fields where the sample did not show it; kept in the project's record."""

    nullable: tuple[str, ...] = ()
    """Fields that may be `null`."""
    types: MappingABC[str, str] = field(default_factory=dict)
    """The type of a field by its name: `str`, `int`, `float`, `bool`, `datetime`, `date`, `Decimal`."""
    choices: tuple[str, ...] = ()
    """Text fields that take the values seen and no others."""
    examples_from_sample: bool = False
    """Whether the API page may show values of the sample's first row."""


# --------------------------------------------------------------------------- introspect: the call


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What goes in, what comes out, and how the model is called in between."""

    input: Schema
    output: Schema
    call: Call
    one_row: bool = False
    """Not batched: the model answers a record with a container of one row, and that row is the answer."""
    notes: tuple[str, ...] = ()
    """What a person should know: "one row is little evidence: ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The sample as it goes over HTTP: one request body and one answer per record, in order."""

    requests: tuple[JSONValue, ...]
    answers: tuple[JSONValue, ...]


# --------------------------------------------------------------------------- resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of `requirements.in`."""

    distribution: str
    """The normalised name, e.g. `scikit-learn`."""
    specifier: str
    """What follows the name: `==1.9.1`, ` @ git+https://...@<commit>`, or empty."""
    reason: str
    """Which witness asked for it, in one line."""
    serves: str = "model"
    """`model`, or `service` for what the generated code itself imports."""

    def __str__(self) -> str:
        return f"{self.distribution}{self.specifier}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A file that goes with the service because the model needs it."""

    path: str
    """Where it goes, relative to the project: `features.py`, `churn/features.py`, `data/brands.csv`."""
    content: bytes
    reason: str
    lifted: bool = False
    """Whether its text was put together from definitions of a script or notebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """A Debian package that a library loads at run time."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """All that the service needs besides its own code, each with its reason."""

    python: str
    """The Python that the lock is for: `3.11`."""
    requirements: tuple[Requirement, ...]
    lock: str
    """The text of `requirements.txt`: every distribution pinned, with hashes."""
    sources: tuple[LocalSource, ...] = ()
    system: tuple[SystemPackage, ...] = ()
    notes: tuple[str, ...] = ()


# --------------------------------------------------------------------------- api, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable that the model reads."""

    name: str
    value: str = ""
    """Empty for a secret, whose value stands in no file."""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSpec:
    """All that a template may know."""

    name: str
    """A valid DNS label: the service's, the image's and the manifests' name."""
    version: str
    """The model's version, semantic: `1.0.0`."""
    artifact: Artifact
    signature: Signature
    dependencies: Dependencies
    recording: Recording
    answers: MappingABC[str, JSONValue] = field(default_factory=dict)
    """What was answered or given as an option: targets, registry, features that are on."""
    generator: str = ""
    """Version of the tool that renders."""
    variables: tuple[Variable, ...] = ()
    """What the model reads from the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedProject:
    """A project on disk: its root and the sha256 of each file, by path relative to the root."""

    root: Path
    files: MappingABC[str, str]


# --------------------------------------------------------------------------- verify


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named check of the proof."""

    name: str
    outcome: Outcome
    detail: str
    """What was found: `20 of 20 rows answered as the model does`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What the proof measured while the service ran: the manifests' requests and limits come from here."""

    load_s: float
    peak_memory_bytes: int
    latency_s: float
    """Median time of a one-row request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The proof: named checks, each with its outcome and detail."""

    checks: tuple[Check, ...]
    measurements: Measurements | None = None
    openapi: str = ""
    """What the service says of itself at `/openapi.json`, as indented JSON; empty where it does not say."""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.outcome is not Outcome.FAILED for check in self.checks)


# --------------------------------------------------------------------------- upgrade


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRecord:
    """What a project was made from; it is written into the project, for the next update starts from it."""

    spec: ProjectSpec
    files: MappingABC[str, str]
    """sha256 of each pristine file, by path."""
    template: str = ""
    """A template of someone else's, as it was given."""
    options: MappingABC[str, JSONValue] = field(default_factory=dict)
    """What was said of the model beside its sample: pins, types of fields, names that were trusted."""
    verification: Verification | None = None


# --------------------------------------------------------------------------- image, deploy


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of an image."""

    digest: str
    size_bytes: int
    part: str
    """`base`, `dependencies`, `code` or `model`."""
    pushed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that was built: its reference, its digest and what it weighs by part."""

    reference: str
    digest: str
    layers: tuple[Layer, ...] = ()
    largest: tuple[tuple[str, int], ...] = ()
    """The largest packages in it, with their size in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is said of a deployment besides its image: recorded in the cluster and in the store."""

    model_sha256: str
    proof: str
    """How the clean-environment proof of the project ended: `passed`, `failed` or `skipped`."""
    git_revision: str = ""
    """The commit, with `-dirty` where the folder held more than it."""
    by: str = ""
    approved_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A service that runs, or ran, in a cluster."""

    target: str
    namespace: str
    name: str
    image: str
    """Reference by digest."""
    url: str
    revision: int
    replicas: int = 0
    """Pods that are ready."""
    at: str = ""
    """When it was deployed: UTC, ISO 8601."""
    live: str = ""
    """How the replay of the sample against the URL ended: `passed`, or why not."""
    release: Release | None = None
    """Absent where another tool deployed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """One pod, as a person would look at it."""

    name: str
    ready: bool
    restarts: int
    state: str
    """`running`, `pulling the image`, `CrashLoopBackOff`, ..."""
