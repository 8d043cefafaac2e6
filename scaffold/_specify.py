"""From what a person gives to the `ProjectSpec`: the stages read, introspect and resolve."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold import __version__
from scaffold._describe import artifact_line, dependencies_line, signature_line
from scaffold._given import read_given
from scaffold._options import Options
from scaffold.errors import UsageError
from scaffold.spec import Check, JSONValue, ProjectSpec, Recording

OnStage = Callable[[str, "str | None"], None]
"""Told that a stage begins (None), and then what it found."""

MOST_RECORDED_ROWS = 500
"""Rows of the sample that are kept for the proof; of a longer sample the first ones."""
FIRST_VERSION = "1.0.0"
_NAME_CHARACTERS = 50  # leaves room for `-production` in a namespace of 63


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
    from scaffold.resolve import resolve_dependencies, start_trace

    with contextlib.ExitStack() as stack:
        workspace = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scaffold-")))
        on_stage("read", None)
        given = read_given(model, input, output, workspace, options)
        on_stage("read", artifact_line(given.artifact))
        stack.enter_context(_importable(given.search))
        trace = stack.enter_context(
            start_trace(given.artifact, given.input, search=given.search, sources=given.sources)
        )
        on_stage("introspect", None)
        # Imported while the other process loads the model already.
        from scaffold.introspect import infer_signature
        from scaffold.read import load_model
        from scaffold.render import model_code

        found = infer_signature(
            load_model(given.artifact) if given.model is None else given.model,
            given.input,
            given.output,
            method=options.method,
            overrides=options.overrides,
        )
        signature, recording = found.signature, _cut(found.recording)
        on_stage("introspect", signature_line(signature))
        on_stage("resolve", None)
        # The next stage's libraries are imported while this one waits for its processes.
        threading.Thread(target=importlib.import_module, args=["copier"], daemon=True).start()
        dependencies = resolve_dependencies(
            given.artifact,
            signature,
            recording,
            code=model_code(given.artifact, signature),
            trace=trace,
            search=given.search,
            sources=given.sources,
            options=_resolve_options(options, answers),
        )
        on_stage("resolve", dependencies_line(dependencies))
        for note in (*given.notes, *signature.notes, *dependencies.notes):
            on_stage("note", note)
        yield ProjectSpec(
            name=name,
            version=version,
            artifact=given.artifact,
            signature=signature,
            dependencies=dependencies,
            recording=recording,
            answers=answers,
            generator=__version__,
        )


@contextlib.contextmanager
def _importable(folders: Sequence[Path]) -> Iterator[None]:
    """Let the model import local code when it predicts, as it could where it was trained."""
    before = sys.path[:]
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        yield
    finally:
        sys.path[:] = before


def _cut(recording: Recording) -> Recording:
    return Recording(
        requests=recording.requests[:MOST_RECORDED_ROWS], answers=recording.answers[:MOST_RECORDED_ROWS]
    )


def _resolve_options(options: Options, answers: Mapping[str, JSONValue]) -> Any:
    from scaffold.resolve import Options as ResolveOptions

    pins = dict(_pin(text) for text in options.pin)
    return ResolveOptions(
        python=options.python,
        pins=pins,
        require=tuple(options.require),
        opentelemetry=answers.get("opentelemetry") is True,
        gpu=options.gpu,
    )


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


def told_of_checks(on_stage: OnStage) -> Callable[[Check], None]:
    """Return what shows each check of a proof as it passes."""

    def show(check: Check) -> None:
        on_stage("verify", f"{check.name}: {check.detail}")
        on_stage("verify", None)

    return show
