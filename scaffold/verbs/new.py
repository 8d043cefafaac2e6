"""`new`: a proven score service for a trained model."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.base.files import require_empty, sha256_file, staged
from scaffold.base.layout import OPENAPI
from scaffold.errors import MissingTargetError
from scaffold.events import Finished, OnEvent, Started, ignore
from scaffold.spec import JSONValue, ProjectRecord, ProjectSpec, Verification
from scaffold.verbs._accelerate import prove_or_fall_back, without_proof
from scaffold.verbs._pristine import write_pristine
from scaffold.verbs._repository import locate_repository
from scaffold.verbs._slim import require_accelerate
from scaffold.verbs._specify import service_name, specify, validate_answers
from scaffold.verbs._stages import check_reporter
from scaffold.verbs.options import ModelOptions, Options
from scaffold.verbs.project import Project
from scaffold.verbs.workers import proof_access

if TYPE_CHECKING:
    from typing import Unpack


def new(
    model: Any,
    input: Any = None,
    output: Any = None,
    target: str | Path | None = None,
    *,
    name: str | None = None,
    verify: bool = True,
    headers: Mapping[str, str] | None = None,
    answers: Mapping[str, JSONValue] | None = None,
    template: str | None = None,
    on_event: OnEvent = ignore,
    **options: Unpack[ModelOptions],
) -> Project:
    """Write a score service for a trained model, prove it, and return where it is.

    Args:
        model: The model, or the path (or URL) of its file.
        input: A sample of its input: an object, or the path of a file that holds one. Without it, the sample
            that the source of the model has.
        output: What the model gives for that input, likewise; without it the model is asked.
        target: The folder to write: absent or empty.
        name: The service's name; the folder's when absent.
        verify: Whether to prove it. A project that fails its proof is not written.
        headers: Headers of the requests of the proof; they are written nowhere.
        answers: What the templates ask: `targets`, `registry` and the other knobs of docs/deploy.md.
        template: A path or URL of another service template; docs/templates.md says what it is given.
        on_event: Called with each event.
        options: The fields of `Options`.

    Raises:
        ScaffoldError: A leaf of it, which says what to do. Nothing is written then.
    """
    if target is None:
        raise MissingTargetError()
    target = Path(target)
    require_empty(target)
    name = service_name(name, target)
    model_options = Options(**options)
    checked = locate_repository(validate_answers(answers, training=model_options.baseline), target)
    require_accelerate(checked, model_options)
    with specify(model, input, output, name, checked, model_options, on_event) as spec:
        make = functools.partial(_make, target, template, headers, model_options, on_event)
        if not verify:
            return make(without_proof(spec, on_event), verify=False)
        return prove_or_fall_back(spec, make, on_event)


def _make(
    target: Path,
    template: str | None,
    headers: Mapping[str, str] | None,
    model_options: Options,
    on_event: OnEvent,
    spec: ProjectSpec,
    *,
    verify: bool = True,
) -> Project:
    """Write the project of `spec` into `target`, prove it, and return it."""
    with staged(target) as root:
        files = _write(spec, root, template, on_event)
        verification = _prove(spec, root, files, model_options, headers, on_event) if verify else None
        record = _record(spec, root, files, model_options, verification, template)
    return Project(root=target, written=_with_own_model(record, target))


def _write(spec: ProjectSpec, root: Path, template: str | None, on_event: OnEvent) -> dict[str, str]:
    """Write the project of `spec` into `root` and return the sha256 of its files."""
    on_event(Started("render"))
    files = write_pristine(spec, root, template)
    on_event(Finished("render", f"{len(files)} files"))
    return files


def _prove(
    spec: ProjectSpec,
    root: Path,
    files: dict[str, str],
    model_options: Options,
    headers: Mapping[str, str] | None,
    on_event: OnEvent,
) -> Verification:
    """Prove the project in `root`, and write what was measured into its manifests and into `files`."""
    from scaffold.proof import verify_project
    from scaffold.render import filled_manifests, shown_example

    on_event(Started("verify"))
    access = proof_access(
        spec.variables,
        read=model_options.allow_read,
        network=model_options.allow_network,
        headers=headers,
    )
    verification = verify_project(
        root,
        python=spec.dependencies.python,
        on_check=check_reporter(on_event),
        access=access,
        example=shown_example(spec),
    )
    assert verification.measurements is not None
    content_by_path = filled_manifests(spec, verification.measurements)
    if verification.openapi:
        content_by_path[OPENAPI] = verification.openapi.encode()
    for path, content in content_by_path.items():
        (root / path).write_bytes(content)
        files[path] = sha256_file(root / path)
    return replace(verification, openapi="")


def _record(
    spec: ProjectSpec,
    root: Path,
    files: Mapping[str, str],
    model_options: Options,
    verification: Verification | None,
    template: str | None,
) -> ProjectRecord:
    """Write into the project what it was made from: the next update starts there."""
    from scaffold.upgrade import write_record

    record = ProjectRecord(
        spec=spec,
        files=files,
        template=template or "",
        options=model_options.as_json(),
        verification=verification,
    )
    write_record(root, record)
    return record


def _with_own_model(record: ProjectRecord, root: Path) -> ProjectRecord:
    """The record of the project `root` with the model that lies in it, in place of the one that was given."""
    artifact = record.spec.artifact
    places = [path for path, digest in record.files.items() if digest == artifact.sha256]
    own = replace(artifact, path=root / places[0]) if places else artifact
    return replace(record, spec=replace(record.spec, artifact=own))
