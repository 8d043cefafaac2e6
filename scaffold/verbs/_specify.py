"""From what a person gives to the `ProjectSpec`: a worker examines the model, then its needs are resolved."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaffold import __version__
from scaffold.base.confine import Enforced
from scaffold.base.files import keep_file
from scaffold.base.modules import Home, home_of, normalized
from scaffold.base.temporary import TemporaryFolder
from scaffold.environments import Environment
from scaffold.errors import InvalidOptionError, NestedCallError
from scaffold.events import Finished, Noted, OnEvent, Started
from scaffold.spec import JSONValue, ProjectSpec
from scaffold.verbs._given import Given, find_given
from scaffold.verbs.ahead import examining_worker
from scaffold.verbs.describe import artifact_line, dependencies_line, signature_line
from scaffold.verbs.options import Options
from scaffold.verbs.workers import model_environment, worker_settings
from scaffold.worker import is_inside

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
    on_event: OnEvent,
    version: str = FIRST_VERSION,
    *,
    keep_model: bool = False,
) -> Iterator[ProjectSpec]:
    """Give the `ProjectSpec` of a model; files that it names exist until the block ends.

    With `keep_model` the model's file exists until the process ends.
    """
    if is_inside():
        raise NestedCallError()
    with contextlib.ExitStack() as stack:
        workspace = Path(stack.enter_context(TemporaryFolder("new")))
        on_event(Started("read"))
        given = find_given(model, input, output, workspace, options)
        environment = model_environment(given, options)
        for note in environment.notes:
            on_event(Noted(note))
        settings = worker_settings(given, options, environment)
        worker = stack.enter_context(examining_worker(settings))
        # Imported while the worker starts.
        from scaffold.resolve import Installation, resolve_dependencies
        from scaffold.verbs._examination import Examination

        examination = stack.enter_context(Examination(worker, given, options, settings, workspace))
        installation = Installation(settings.path)
        examination.begin(installation, _search_path(given, environment))
        files = examination.read()
        on_event(Finished("read", artifact_line(files.artifact)))
        if not files.enforced.holds:
            on_event(Noted(_missing_wall(files.enforced)))
        on_event(Started("introspect"))
        # Imported while the worker loads the model.
        from scaffold.render import model_code, tried_example

        importlib.import_module("copier")
        found = examination.introspected(files)
        files, signature = found.files, found.signature
        on_event(Finished("introspect", signature_line(signature)))
        on_event(Started("resolve"))
        code = model_code(files.artifact, signature)
        dependencies = resolve_dependencies(
            files.artifact,
            signature,
            found.recording,
            code=code,
            example=tried_example(signature.input),
            trace=examination.rehearsing,
            search=examination.search,
            sources=files.sources,
            options=_resolve_options(options, answers, environment.version),
            installation=installation,
            settings=settings,
        )
        if dependencies.takes_example:
            code = model_code(files.artifact, signature, with_example=True)
        examination.end()
        on_event(Finished("resolve", dependencies_line(dependencies)))
        for note in (*files.notes, *found.notes, *signature.notes, *dependencies.notes):
            on_event(Noted(note))
        artifact = files.artifact
        if keep_model and workspace in artifact.path.parents:
            artifact = replace(artifact, path=keep_file(artifact.path, artifact.sha256))
        yield ProjectSpec(
            name=name,
            version=version,
            artifact=artifact,
            signature=signature,
            dependencies=dependencies,
            recording=found.recording,
            answers=answers,
            generator=__version__,
            variables=options.variables,
            code=code,
        )


def _search_path(given: Given, environment: Environment) -> list[Path]:
    """Where modules are looked for: in the environment first, so that no file hides a library."""
    libraries = [Path(entry) for entry in environment.path if Path(entry).is_dir()]
    installed = [folder for folder in libraries if home_of(folder) is not Home.STANDARD]
    return list(dict.fromkeys([*installed, *given.local]))


def _missing_wall(enforced: Enforced) -> str:
    reasons = "; ".join(f"{gap.wall.value}: {gap.reason}" for gap in enforced.missing)
    return f"the model is loaded without the kernel's confinement, with your rights ({reasons})"


def _resolve_options(options: Options, answers: Mapping[str, JSONValue], version: str) -> Any:
    from scaffold.resolve import Options as ResolveOptions

    pins = dict(_pin(text) for text in options.pin)
    return ResolveOptions(
        python=options.python or version,
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
        raise InvalidOptionError("pin", text)
    return normalized(name.strip()), version.strip()


def checked_answers(
    answers: Mapping[str, JSONValue] | None, recorded: Mapping[str, JSONValue] | None = None
) -> Mapping[str, JSONValue]:
    """Return the answers of a project, `answers` and those `recorded` before, once each is checked.

    Raises:
        UnknownAnswerError: The template has no such question.
        InvalidAnswerError: A value that the answer cannot have.
    """
    if not answers and not recorded:
        return {}  # the renderer takes a while to import, and the worker is started first
    from scaffold.render import read_answers

    return read_answers(answers or {}, recorded)


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
        raise InvalidOptionError("name", name)
    return name
