"""The two states of an update: the recorded one and the new one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import __version__
from scaffold.base.checked import path_below
from scaffold.base.files import sha256_file
from scaffold.base.layout import PRISTINE, RECORD
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import BaselineWithoutModelError, ModelGoneError
from scaffold.errors.wording import invocation, option, shell_line
from scaffold.events import Noted, OnEvent
from scaffold.spec import JSONValue, Profile, ProjectRecord, ProjectSpec
from scaffold.verbs._additions import additions_of
from scaffold.verbs._baseline import recorded_baseline, with_former_fields
from scaffold.verbs._compile import accelerate_project
from scaffold.verbs._pristine import write_pristine
from scaffold.verbs._repository import locate_repository
from scaffold.verbs._slim import require_accelerate
from scaffold.verbs._specify import specify
from scaffold.verbs.options import Options

if TYPE_CHECKING:
    from scaffold.upgrade import Content


def last_state(root: Path, on_event: OnEvent) -> tuple[ProjectRecord, dict[str, Content]]:
    """Return a project's record and its pristine files; a note says where some of these are lost for good."""
    from scaffold.upgrade import read_record, unknown_files

    record, ancestor = read_record(root, rebuild=_rebuilt)
    if lost := unknown_files(record, ancestor):
        on_event(Noted(_lost_note(root, record.spec.generator or "unknown", lost)))
    return record, ancestor


def _lost_note(root: Path, wrote: str, lost: Sequence[str]) -> str:
    """Return the note on pristine files that are known by their hash only.

    Args:
        root: The project.
        wrote: The version of this package that wrote the pristine files.
        lost: Their paths.
    """
    effect = f"so {', '.join(lost)} cannot be merged, only compared:"
    if path_below(root, PRISTINE).is_file():
        return (
            f"{root / PRISTINE} is damaged, or does not belong to {RECORD}, {effect} after a merge in git, "
            + shell_line("scaffold", "update", root, "--merge-record")
        )
    note = f"{root / PRISTINE} is lost, {effect} version {wrote} of model-scaffold wrote them, and this is"
    if wrote == __version__:
        return f"{note} {__version__}"
    update = shell_line("uvx", "--from", f"model-scaffold=={wrote}", "scaffold", "update", root)
    return f"{note} {__version__}; to have them back: {update}"


@contextlib.contextmanager
def new_state(
    root: Path,
    record: ProjectRecord,
    new_inputs: tuple[Any, Any, Any],
    answers: Mapping[str, JSONValue],
    options: Options,
    on_event: OnEvent,
) -> Iterator[ProjectSpec]:
    """Yield the spec of the new state: of the new model, or of the old model with other changes.

    Args:
        root: The project.
        record: Its record.
        new_inputs: The new model, a sample of its input and one of its output; the model is None if only
            other things change.
        answers: All answers of the project, those of the record among them; the repository is added to them.
        options: The recorded options, with the changed ones.
        on_event: Called with each event.
    """
    from scaffold.resolve import renew_service_layer

    require_accelerate(answers, options)
    model, sample_input, sample_output = new_inputs
    answers = locate_repository(answers, root)
    if model is not None:
        name = record.spec.name
        training = options.baseline if answers.get("drift") is True else None
        absent = str(training) if training and not Path(training).exists() else ""
        used = replace(options, baseline=None) if absent else options
        with specify(model, sample_input, sample_output, name, answers, used, on_event) as spec:
            yield _keeping_fields(spec, record, absent, root, on_event) if absent else spec
        return
    if options.baseline and str(options.baseline) != record.options.get("baseline"):
        raise BaselineWithoutModelError(str(root), str(options.baseline))
    artifact = record.spec.artifact
    if not (artifact.path.is_file() and sha256_file(artifact.path) == artifact.sha256):
        raise ModelGoneError(str(root), artifact.sha256)
    pinned = [text.partition("==")[0].strip().lower() for text in options.pin]
    dependencies = renew_service_layer(
        record.spec.dependencies,
        pinned=pinned,
        profile=Profile(options.profile),
        additions=additions_of(answers),
        gpu=options.gpu,
    )
    baseline = record.spec.baseline
    if answers.get("drift") is not True:
        baseline = None
    elif baseline is None:
        baseline = recorded_baseline(record.spec.recording, record.spec.signature)
    spec = replace(
        record.spec,
        answers=answers,
        profile=Profile(options.profile),
        dependencies=dependencies,
        generator=__version__,
        variables=options.variables,
        baseline=baseline,
    )
    yield accelerate_project(spec, options, on_event)


def _keeping_fields(
    spec: ProjectSpec, record: ProjectRecord, training: str, root: Path, on_event: OnEvent
) -> ProjectSpec:
    """Return the spec of a new model with the fields of the former baseline, whose file is not there now.

    A pipeline, which has no training data, goes on with the next model.
    """
    made = spec.baseline
    baseline = with_former_fields(made, record.spec.baseline, spec.recording) if made else None
    kept = "is that of the sample" if baseline == made else "keeps the fields of the former model"
    command = invocation("update", root, model=..., input=..., baseline="training.parquet")
    on_event(
        Noted(f"{training} of {option('baseline')} is absent, so the baseline {kept}; with a file: {command}")
    )
    return replace(spec, baseline=baseline)


def renderer(record: ProjectRecord, template: str | None) -> Callable[[ProjectSpec, Path], None]:
    """Return the function that renders a pristine project, with the last measurements in its manifests."""

    def render(spec: ProjectSpec, folder: Path) -> None:
        write_pristine(spec, folder, template or record.template or None)
        _fill_manifests(spec, record, folder)

    return render


def _fill_manifests(spec: ProjectSpec, record: ProjectRecord, folder: Path) -> None:
    from scaffold.render import filled_manifests

    if record.verification and record.verification.measurements:
        for path, content in filled_manifests(spec, record.verification.measurements).items():
            (folder / path).write_bytes(content)


def _rebuilt(record: ProjectRecord) -> dict[str, Content]:
    """Render the pristine project of a record again; empty if another version wrote it."""
    from scaffold.render import render_project
    from scaffold.upgrade import read_folder

    if record.spec.generator != __version__ or not record.spec.artifact.path.is_file():
        return {}
    with TemporaryFolder("state") as folder:
        # The owner may have replaced the model file; the recorded signature and dependencies stay.
        render_project(record.spec, Path(folder), template=record.template or None)
        _fill_manifests(record.spec, record, Path(folder))
        return read_folder(Path(folder))
