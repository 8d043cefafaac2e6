"""From what a person gives to the `ProjectSpec`: the stages read, introspect and resolve."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from scaffold import __version__
from scaffold._describe import artifact_line, dependencies_line, signature_line
from scaffold.errors import UsageError
from scaffold.spec import Artifact, JSONValue, Overrides, ProjectSpec, Recording

OnStage = Callable[[str, "str | None"], None]
"""Told that a stage begins (None), and then what it found."""

MOST_RECORDED_ROWS = 500
"""Rows of the sample that are kept for the proof; of a longer sample the first ones."""
FIRST_VERSION = "1.0.0"
_NAME_CHARACTERS = 50  # leaves room for `-production` in a namespace of 63
RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person can say about a model besides giving it and its sample."""

    method: str | None = None
    trust: Sequence[str] = ()
    nullable: Sequence[str] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[str] = ()
    examples_from_sample: bool = False
    pin: Sequence[str] = ()
    require: Sequence[str] = ()
    include: Sequence[str | Path] = ()
    source: str | Path | None = None
    python: str = RUNNING_PYTHON

    def as_json(self) -> dict[str, JSONValue]:
        """What was said, without what was not; the project's record keeps it for the next model."""
        said: dict[str, JSONValue] = {}
        for option in fields(self):
            value = getattr(self, option.name)
            if value and value != option.default:
                said[option.name] = (
                    value
                    if isinstance(value, bool | dict)
                    else [str(item) for item in value]
                    if isinstance(value, list | tuple)
                    else str(value)
                )
        return said

    @property
    def overrides(self) -> Overrides:
        """What was said about the fields."""
        return Overrides(
            nullable=tuple(self.nullable),
            types=dict(self.types),
            choices=tuple(self.choices),
            examples_from_sample=self.examples_from_sample,
        )


@contextlib.contextmanager
def specified(
    model: Any,
    input: Any,
    output: Any,
    name: str,
    answers: Mapping[str, JSONValue],
    options: Options,
    on_stage: OnStage,
    version: str = FIRST_VERSION,
) -> Iterator[ProjectSpec]:
    """Give the `ProjectSpec` of a model; files that it names exist until the block ends."""
    from scaffold.introspect import infer_signature
    from scaffold.read import load_model, read_artifact
    from scaffold.render import model_code
    from scaffold.resolve import resolve_dependencies, start_trace

    with contextlib.ExitStack() as stack:
        workspace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scaffold-")))
        on_stage("read", None)
        path, provenance = _model_file(model, workspace)
        artifact = read_artifact(path, trusted=options.trust, provenance=provenance)
        on_stage("read", artifact_line(artifact))
        sample_input = _sample(input, options)
        sample_output = None if output is None else _sample(output, options)
        search = _search_path(artifact, options)
        trace = stack.enter_context(start_trace(artifact, sample_input, search=search))
        on_stage("introspect", None)
        loaded = load_model(artifact) if isinstance(model, str | os.PathLike) else model
        found = infer_signature(
            loaded, sample_input, sample_output, method=options.method, overrides=options.overrides
        )
        signature, recording = found.signature, _cut(found.recording)
        on_stage("introspect", signature_line(signature))
        on_stage("resolve", None)
        dependencies = resolve_dependencies(
            artifact,
            signature,
            recording,
            code=model_code(artifact, signature),
            trace=trace,
            search=search,
            options=_resolve_options(options),
        )
        on_stage("resolve", dependencies_line(dependencies))
        for note in (*signature.notes, *dependencies.notes):
            on_stage("note", note)
        yield ProjectSpec(
            name=name,
            version=version,
            artifact=artifact,
            signature=signature,
            dependencies=dependencies,
            recording=recording,
            answers=answers,
            generator=__version__,
        )


def _model_file(model: Any, workspace: Path) -> tuple[Path, str]:
    """The file of a model, and where it came from: an object in memory is written to `workspace`."""
    from scaffold.find import find_model
    from scaffold.read import dump_model

    if isinstance(model, str | os.PathLike):
        return find_model(os.fspath(model)), os.fspath(model)
    return dump_model(model, workspace), f"a {type(model).__name__} in memory"


def _sample(sample: Any, options: Options) -> Any:
    """A sample as it is, or what the file holds that a path names; a text that names no file is a sample."""
    from scaffold.read import read_sample

    if isinstance(sample, os.PathLike) or (isinstance(sample, str) and _names_file(sample)):
        return read_sample(Path(sample), trusted=options.trust)
    return sample


def _names_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _search_path(artifact: Artifact, options: Options) -> list[Path]:
    """Where local code may lie: beside the model and the source, in the current folder, on `sys.path`."""
    places = [artifact.path.parent, Path.cwd(), *(Path(entry) for entry in sys.path if entry)]
    if options.source:
        places.insert(0, Path(options.source).absolute().parent)
    site = Path(os.__file__).parent
    return [
        place for place in dict.fromkeys(places) if place.is_dir() and site not in (place, *place.parents)
    ]


def _cut(recording: Recording) -> Recording:
    return Recording(
        requests=recording.requests[:MOST_RECORDED_ROWS], answers=recording.answers[:MOST_RECORDED_ROWS]
    )


def _resolve_options(options: Options) -> Any:
    from scaffold.resolve import Options as ResolveOptions

    pins = dict(_pin(text) for text in options.pin)
    return ResolveOptions(python=options.python, pins=pins, require=tuple(options.require))


def _pin(text: str) -> tuple[str, str]:
    """`numpy==2.4.6` as ("numpy", "2.4.6").

    Raises:
        UsageError: It is no such pin.
    """
    name, equals, version = text.partition("==")
    if not equals or not name.strip() or not version.strip():
        raise UsageError(f"{text!r} pins nothing: a name and a version are wanted.\n  --pin numpy==2.4.6")
    return re.sub(r"[-_.]+", "-", name.strip().lower()), version.strip()


def service_name(name: str | None, target: Path) -> str:
    """A DNS label: the name that was given, or one made of the folder's.

    Raises:
        UsageError: What was given is no such name, or the folder's name holds nothing to make one of.
    """
    if name is None:
        made = re.sub(r"[^a-z0-9]+", "-", target.absolute().name.lower()).strip("-")
        made = made[:_NAME_CHARACTERS].strip("-")
        return made if made[:1].isalpha() else f"model-{made}".strip("-")
    if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) or len(name) > _NAME_CHARACTERS:
        raise UsageError(
            f"{name!r} cannot be the service's name: an image and Kubernetes objects are named so.\n"
            f"Lower-case letters, digits and '-', a letter first, {_NAME_CHARACTERS} characters at most:\n"
            "  --name titanic-service"
        )
    return name
