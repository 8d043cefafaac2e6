"""A model file: what is known about it without running anything in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path


class ModelFormat(enum.Enum):
    """The format of a model file, detected by content, never by the file's extension."""

    PICKLE = "pickle"
    JOBLIB = "joblib"
    TORCH = "torch"
    TORCHSCRIPT = "torchscript"
    ONNX = "onnx"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    CATBOOST = "catboost"
    SKOPS = "skops"
    KERAS = "keras"
    TRANSFORMERS = "transformers"
    SENTENCE_TRANSFORMERS = "sentence-transformers"
    SPACY = "spacy"
    PYTHON_FUNCTION = "python_function"
    """A `PythonModel` of MLflow, with the artifacts of its context."""


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
    """The minor versions that may have compiled its functions: several if their bytecode is the same."""
    carries_code: bool = False
    """Whether it carries functions as bytecode. If `pythons` is empty, their version is unknown."""
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
    """A model file: what is known about it without running anything in it."""

    path: Path
    sha256: str
    size_bytes: int
    format: ModelFormat
    compression: str | None = None
    """`zlib`, `gzip`, `bz2`, `xz`, `lzma`, `lz4` or `zip`, where the file is compressed."""
    globals: tuple[GlobalName, ...] = ()
    provenance: str = ""
    """Its origin, for people: a path as typed, a URL, `store:titanic/1.2.0`, `an object in memory`."""
    written: str = ""
    """The day when the file was written, ISO 8601."""
    made_with: MadeWith = field(default_factory=MadeWith)
    task: str = ""
    """What transformers makes of a folder: the task of a pipeline, or the class of a network."""
