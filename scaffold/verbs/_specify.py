"""From model and samples to the `ProjectSpec`: a worker examines them, then dependencies are resolved."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import __version__
from scaffold.base.confine import Enforced
from scaffold.base.files import keep_until_exit, sha256_file
from scaffold.base.modules import Home, home_of, normalized
from scaffold.base.temporary import TemporaryFolder
from scaffold.environments import Environment
from scaffold.errors import BaselineNotFoundError, InvalidOptionError, NestedCallError, ReadError
from scaffold.events import Finished, Noted, OnEvent, Started
from scaffold.spec import Artifact, Dependencies, JSONValue, Profile, ProjectSpec
from scaffold.verbs._additions import additions_of
from scaffold.verbs._compile import accelerate
from scaffold.verbs._declared import source_notes_of
from scaffold.verbs._inputs import InputFile, ModelInputs, find_inputs
from scaffold.verbs._pristine import require_same_model
from scaffold.verbs.describe import artifact_line, dependencies_line, signature_line
from scaffold.verbs.options import Options
from scaffold.verbs.prestart import examining_worker
from scaffold.verbs.workers import model_environment, worker_settings
from scaffold.worker import is_inside

if TYPE_CHECKING:
    from scaffold.resolve import Options as ResolveOptions
    from scaffold.verbs._examination import Examination, Files, Introspected

FIRST_VERSION = "1.0.0"
_NAME_CHARACTERS = 50  # leaves room for `-production` in a namespace of 63


@contextlib.contextmanager
def specify(
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

    Args:
        model: The model, or the path (or URL) of its file.
        input: A sample of its input, likewise; None for the sample that its source has.
        output: What the model gives for it; None where the model is asked.
        name: The service's name, a DNS label.
        answers: The answers to the template, already checked.
        options: The options for the model.
        on_event: Called with each event.
        version: The model's version.
        keep_model: Whether its file exists until this process ends.
    """
    if is_inside():
        raise NestedCallError()
    with contextlib.ExitStack() as stack:
        workspace = Path(stack.enter_context(TemporaryFolder("new")))
        on_event(Started("read"))
        inputs = find_inputs(model, input, output, workspace, options)
        environment = _open_environment(inputs, options, on_event)
        examination = _begin(stack, inputs, environment, options, workspace, answers)
        introspected = _examine(inputs.model, examination, on_event)
        from scaffold.render import model_code

        on_event(Started("resolve"))
        artifact, signature = introspected.files.artifact, introspected.signature
        profile = Profile(options.profile)
        code = model_code(artifact, signature, profile)
        resolve_options = _resolve_options(options, answers, environment.version)
        dependencies = _resolve(examination, introspected, code, resolve_options)
        on_event(Finished("resolve", dependencies_line(dependencies)))
        _report_notes(inputs, introspected, dependencies, on_event)
        if keep_model and workspace in artifact.path.parents:
            artifact = _keep_file(artifact)
        spec = ProjectSpec(
            name=name,
            version=version,
            artifact=artifact,
            signature=signature,
            dependencies=dependencies,
            recording=introspected.recording,
            answers=answers,
            profile=profile,
            generator=__version__,
            variables=options.variables,
            code=code,
            origin=inputs.model.origin,
            baseline=introspected.baseline,
        )
        yield accelerate(spec, options, examination.settings, on_event, ours=inputs.model.ours)


def _report_notes(
    inputs: ModelInputs, introspected: Introspected, dependencies: Dependencies, on_event: OnEvent
) -> None:
    files, signature = introspected.files, introspected.signature
    notes = (*source_notes_of(inputs.model.declared, signature.input), *files.notes)
    for note in (*notes, *introspected.notes, *signature.notes, *dependencies.notes):
        on_event(Noted(note))


def _open_environment(inputs: ModelInputs, options: Options, on_event: OnEvent) -> Environment:
    """Return the environment in which the model is loaded, and report its notes."""
    environment = model_environment(inputs, options)
    for note in environment.notes:
        on_event(Noted(note))
    return environment


@contextlib.contextmanager
def _naming_source(model: InputFile) -> Iterator[None]:
    """Name the source of a fetched model in an error, in place of the copy that is deleted with it."""
    try:
        yield
    except ReadError as error:
        copy = str(model.path.absolute())
        if model.origin is None or copy not in error.args:
            raise
        raise type(error)(*(model.provenance if each == copy else each for each in error.args)) from error


def _examine(model: InputFile, examination: Examination, on_event: OnEvent) -> Introspected:
    with _naming_source(model):
        return _introspect(examination, _read(examination, on_event), on_event)


def _begin(
    stack: contextlib.ExitStack,
    inputs: ModelInputs,
    environment: Environment,
    options: Options,
    workspace: Path,
    answers: Mapping[str, JSONValue],
) -> Examination:
    """Start the worker, and let it read the files; `stack` ends it."""
    settings = worker_settings(inputs, options, environment)
    worker = stack.enter_context(examining_worker(settings))
    # Imported while the worker starts.
    from scaffold.resolve import Installation
    from scaffold.verbs._examination import Examination

    examination = stack.enter_context(Examination(worker, inputs, options, settings, workspace))
    has_drift = answers.get("drift") is True
    examination.begin(Installation(settings.path), _search_path(inputs, environment), drift=has_drift)
    return examination


def _read(examination: Examination, on_event: OnEvent) -> Files:
    """Return the scan of the files; the worker then starts to load them."""
    files = examination.read()
    on_event(Finished("read", artifact_line(files.artifact)))
    if not files.enforced.holds:
        on_event(Noted(_missing_wall(files.enforced)))
    return files


def _introspect(examination: Examination, files: Files, on_event: OnEvent) -> Introspected:
    """Return the signature of the model."""
    on_event(Started("introspect"))
    for module in ("scaffold.render", "copier", "scaffold.upgrade"):  # while the worker loads the model
        importlib.import_module(module)
    introspected = examination.introspect(files)
    on_event(Finished("introspect", signature_line(introspected.signature)))
    return introspected


def _keep_file(artifact: Artifact) -> Artifact:
    """Return the artifact with its file copied to a folder that exists until this process ends."""
    require_same_model(artifact, sha256_file(artifact.path))
    return replace(artifact, path=keep_until_exit(artifact.path, artifact.sha256))


def _resolve(
    examination: Examination, introspected: Introspected, code: Mapping[str, str], options: ResolveOptions
) -> Dependencies:
    """Return the dependencies of the service, and end the worker."""
    from scaffold.render import tried_example
    from scaffold.resolve import resolve_dependencies

    dependencies = resolve_dependencies(
        introspected.files.artifact,
        introspected.signature,
        introspected.recording,
        code=code,
        example=tried_example(introspected.signature.input),
        trace=examination.rehearsing,
        search=examination.search,
        sources=introspected.files.sources,
        options=options,
        installation=examination.installation,
        settings=examination.settings,
    )
    examination.end()
    return dependencies


def _search_path(inputs: ModelInputs, environment: Environment) -> list[Path]:
    """Return the search path of modules: the environment first, so that no file hides a library."""
    libraries = [Path(entry) for entry in environment.path if Path(entry).is_dir()]
    installed = [folder for folder in libraries if home_of(folder) is not Home.STANDARD]
    return list(dict.fromkeys([*installed, *inputs.local]))


def _missing_wall(enforced: Enforced) -> str:
    reasons = "; ".join(f"{gap.wall.value}: {gap.reason}" for gap in enforced.missing)
    return f"the model is loaded without the kernel's confinement, with your rights ({reasons})"


def _resolve_options(options: Options, answers: Mapping[str, JSONValue], version: str) -> ResolveOptions:
    from scaffold.resolve import Options as ResolveOptions

    pins = dict(_pin(text) for text in options.pin)
    return ResolveOptions(
        python=options.python or version,
        pins=pins,
        require=tuple(options.require),
        profile=Profile(options.profile),
        additions=additions_of(answers),
        gpu=options.gpu,
    )


def _pin(text: str) -> tuple[str, str]:
    """`numpy==2.4.6` as ("numpy", "2.4.6").

    Raises:
        UsageError: It is not of that form.
    """
    name, equals, version = text.partition("==")
    if not equals or not name.strip() or not version.strip():
        raise InvalidOptionError("pin", text)
    return normalized(name.strip()), version.strip()


def validate_answers(
    answers: Mapping[str, JSONValue] | None,
    recorded: Mapping[str, JSONValue] | None = None,
    *,
    training: str | Path | None = None,
) -> Mapping[str, JSONValue]:
    """Return the answers of a project, `answers` and those `recorded` before, once each is checked.

    With a file of `training` data the answer `drift` is true, unless it is among `answers`.

    Raises:
        BaselineNotFoundError: There is no such file.
        UnknownAnswerError: The template has no such question.
        InvalidAnswerError: A value that the answer cannot have.
    """
    if training:
        if not Path(training).exists():
            raise BaselineNotFoundError(str(training))
        answers = {"drift": True, **(answers or {})}
    if not answers and not recorded:
        return {}  # the renderer takes a while to import, and the worker is started first
    from scaffold.render import read_answers

    return read_answers(answers or {}, recorded)


def service_name(name: str | None, target: Path) -> str:
    """Return the service's name, a DNS label: the option, or the name of the folder converted to a label.

    Raises:
        UsageError: The name is not a DNS label, or the folder's name has no letter for one.
    """
    if name is None:
        label = re.sub(r"[^a-z0-9]+", "-", target.absolute().name.lower()).strip("-")
        label = label[:_NAME_CHARACTERS].strip("-")
        return label if label[:1].isalpha() else f"model-{label}".strip("-")
    if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) or len(name) > _NAME_CHARACTERS:
        raise InvalidOptionError("name", name)
    return name
