"""A generated project: what it is made from, and its files."""

from __future__ import annotations

import enum
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.spec._artifact import Artifact
from scaffold.spec._baseline import Baseline
from scaffold.spec._dependencies import Dependencies
from scaffold.spec._fast import FastPlan
from scaffold.spec._json import JSONValue
from scaffold.spec._origin import Origin
from scaffold.spec._proof import Verification
from scaffold.spec._signature import Recording, Signature


class Profile(enum.Enum):
    """Which code serves the model."""

    FAST = "fast"
    """Strict JSON, micro-batching and every limit, in code of its own."""
    PLAIN = "plain"
    """Short: FastAPI as its documentation uses it, and well-known libraries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable that the model reads."""

    name: str
    value: str = ""
    """Empty for a secret, whose value is in no file."""
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
    """The answers to the template: targets, registry, features."""
    profile: Profile = Profile.FAST
    """Which code serves the model."""
    generator: str = ""
    """Version of the tool that renders."""
    variables: tuple[Variable, ...] = ()
    """What the model reads from the environment."""
    code: MappingABC[str, str] = field(default_factory=dict)
    """The modules that depend on the model, by name, where they are rendered already; in no record."""
    fast: FastPlan | None = None
    """The compiled scoring path; none where the service calls the model. In no record."""
    own_imports: MappingABC[str, str] = field(default_factory=dict)
    """Libraries of the model that code of the owner imports, each with its file; in no record."""
    origin: Origin | None = None
    """Where the model was fetched from; none for a path of this machine and an object in memory."""
    baseline: Baseline | None = None
    """What the service compares its requests with; none unless the answer `drift` is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedProject:
    """A project on disk: its root and the sha256 of each file, by path relative to the root."""

    root: Path
    files: MappingABC[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRecord:
    """What a project was made from; it is written into the project, for the next update starts from it."""

    spec: ProjectSpec
    files: MappingABC[str, str]
    """sha256 of each pristine file, by path."""
    template: str = ""
    """A template of someone else's, as it was given."""
    options: MappingABC[str, JSONValue] = field(default_factory=dict)
    """The options for the model: pins, types of fields, trusted names."""
    verification: Verification | None = None
