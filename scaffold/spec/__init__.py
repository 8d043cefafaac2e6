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

import dataclasses
import enum
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.spec._call import (
    Arguments,
    Batching,
    BoosterCall,
    Call,
    Feed,
    PythonCall,
    SessionCall,
    TorchCall,
)
from scaffold.spec._evidence import (
    AskedFor,
    Evidence,
    KnownTo,
    Limits,
    OfClasses,
    Seen,
    SeenChoices,
    SeenImage,
    SeenLabels,
    SeenLengths,
    SeenLevels,
    SeenNulls,
    SeenRange,
    advice_of,
    description_of,
    words_of,
)
from scaffold.spec._json import JSONScalar, JSONValue
from scaffold.spec._native import (
    Arrays,
    Arrow,
    ClassKind,
    Collection,
    CollectionType,
    Container,
    Dict,
    Element,
    Interval,
    ListForm,
    Masked,
    Missing,
    Moment,
    Native,
    Numpy,
    NumpyScalar,
    NumpyTime,
    OpenedFrame,
    OpenedSeries,
    OverTime,
    Pandas,
    Period,
    Pillow,
    Polars,
    Python,
    PythonScalar,
    PythonType,
    RecordForm,
    Series,
    SeriesRow,
    Sparse,
    Structured,
    TextOf,
    Timedelta,
    Timestamp,
    Torch,
    Void,
)
from scaffold.spec._never import assert_never
from scaffold.spec._schema import (
    Category,
    Column,
    Either,
    Field,
    List,
    Mapping,
    Optional,
    Parts,
    Picture,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
    children,
    fields_of,
    map_children,
    with_fields,
    without_evidence,
)

__all__ = [
    "TOLERANCE",
    "Arguments",
    "Arrays",
    "Arrow",
    "Artifact",
    "AskedFor",
    "Batching",
    "BoosterCall",
    "Call",
    "Category",
    "Check",
    "ClassKind",
    "Collection",
    "CollectionType",
    "Column",
    "Container",
    "Dependencies",
    "DeployProgress",
    "Deployment",
    "Dict",
    "Either",
    "Element",
    "Evidence",
    "Feed",
    "Field",
    "GlobalName",
    "Image",
    "Interval",
    "JSONScalar",
    "JSONValue",
    "KnownTo",
    "Layer",
    "Limits",
    "List",
    "ListForm",
    "LocalSource",
    "MadeWith",
    "Mapping",
    "Masked",
    "Measurements",
    "Missing",
    "ModelFormat",
    "Moment",
    "Native",
    "Numpy",
    "NumpyScalar",
    "NumpyTime",
    "OfClasses",
    "OpenedFrame",
    "OpenedSeries",
    "Optional",
    "Outcome",
    "OverTime",
    "Overrides",
    "Pandas",
    "Parts",
    "Period",
    "Picture",
    "Pillow",
    "PodState",
    "Polars",
    "ProjectRecord",
    "ProjectSpec",
    "Python",
    "PythonCall",
    "PythonScalar",
    "PythonType",
    "Record",
    "RecordForm",
    "Recording",
    "Release",
    "RenderedProject",
    "Requirement",
    "Scalar",
    "ScalarType",
    "Schema",
    "Seen",
    "SeenChoices",
    "SeenImage",
    "SeenLabels",
    "SeenLengths",
    "SeenLevels",
    "SeenNulls",
    "SeenRange",
    "Series",
    "SeriesRow",
    "SessionCall",
    "Signature",
    "Sparse",
    "Structured",
    "SystemPackage",
    "Table",
    "Tensor",
    "TextOf",
    "Timedelta",
    "Timestamp",
    "Torch",
    "TorchCall",
    "Tuple",
    "UserType",
    "Value",
    "Variable",
    "Verification",
    "Void",
    "advice_of",
    "assert_never",
    "children",
    "description_of",
    "fields_of",
    "map_children",
    "with_fields",
    "without_evidence",
    "words_of",
]

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


# --------------------------------------------------------------------------- introspect


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

    def without_evidence(self) -> Signature:
        """Return the signature without the reasons for it: what a service does depends on the rest."""
        return dataclasses.replace(
            self,
            input=without_evidence(self.input),
            output=without_evidence(self.output),
            call=dataclasses.replace(self.call, evidence=""),
            notes=(),
        )


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
    mentioned: bool = False
    """Whether the model's file mentions a name of it."""

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
    takes_example: bool = False
    """Whether the model answered the made-up record of the generated code."""


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
    code: MappingABC[str, str] = field(default_factory=dict)
    """The modules that depend on the model, by name, where they are rendered already; in no record."""


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
