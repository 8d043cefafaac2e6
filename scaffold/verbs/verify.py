"""`verify`: prove a project as it stands now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.layout import LOCK, MAIN
from scaffold.base.package import find_package
from scaffold.errors import ExclusiveOptionsError, NoRecordError, NotAProjectError, TargetAndUrlError
from scaffold.events import Noted, OnEvent, Started, ignore
from scaffold.spec import Release, Verification
from scaffold.verbs._model_hash import require_compiled_from_file
from scaffold.verbs._proving import accept_answers, recording_of
from scaffold.verbs._release import proof_of_image, read_release
from scaffold.verbs._stages import check_reporter
from scaffold.verbs.project import Project
from scaffold.verbs.workers import proof_access

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Pace


def verify(
    project: str | Path,
    *,
    quick: bool = False,
    accept: bool = False,
    allow_read: Sequence[str | Path] = (),
    allow_network: bool = False,
    headers: Mapping[str, str] | None = None,
    target: str | None = None,
    url: str | None = None,
    access: ClusterAccess | None = None,
    insecure: bool = False,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Verification:
    """Prove a project again, as it stands now, or a service of it that runs already; return the proof.

    Args:
        project: The project's folder.
        quick: Only check, in about a second, that the files belong together; nothing is installed or run.
        accept: Take the answers that the service gives now for the right ones, and record them.
        allow_read: Files and folders that the service may read besides the project.
        allow_network: Whether the service may connect to other machines.
        headers: Headers of the requests of the proof, such as a token; they are written nowhere.
        target: Prove what runs at this target, whoever deployed it, instead of the project.
        url: Prove the service under this URL instead of the project.
        access: For `target`, as for `deploy`.
        insecure: For `target`: speak plain HTTP to its registry, whose image names the code in it.
        pace: How long to wait for what runs.
        on_event: Called with each event.

    Raises:
        CompiledFileError: A file of the compiled model is absent, or another one.
        DeployError: What runs is not ready, cannot be reached, or does not give the recorded answers.
        FilesDisagreeError: `quick`, and files do not belong together.
        ReplacedModelError: The compiled model was made from another model file.
        VerificationError: Its service does not give the recorded answers; or a branch of it.
    """
    if quick:
        return _verify_files(project, accept=accept, target=target, url=url)
    from scaffold.proof import verify_project

    if target is not None or url is not None:
        return _verify_running(Project.open(project), target, url, access, headers, insecure, pace, on_event)
    opened_project = Project.open_service(project)
    require_compiled_from_file(opened_project)
    reach = proof_access(opened_project.variables, read=allow_read, network=allow_network, headers=headers)
    if accept:
        return accept_answers(opened_project, access=reach, on_event=on_event)
    on_event(Started("verify"))
    show = check_reporter(on_event)
    verification = verify_project(
        opened_project.root,
        python=opened_project.python,
        on_check=show,
        access=reach,
        recording=recording_of(opened_project),
    )
    _record_proof(opened_project, verification, on_event)
    return verification


def _verify_files(project: str | Path, **options: object) -> Verification:
    from scaffold.verbs._quick import verify_quickly

    for option, value in options.items():
        if value:
            raise ExclusiveOptionsError("quick", option)
    root = Path(project)
    if not find_package(root):
        raise NotAProjectError(str(root), (MAIN, LOCK))
    return verify_quickly(Project(root=root))


def _verify_running(
    project: Project,
    target: str | None,
    url: str | None,
    access: ClusterAccess | None,
    headers: Mapping[str, str] | None,
    insecure: bool,
    pace: Pace | None,
    on_event: OnEvent,
) -> Verification:
    from scaffold.cluster import ClusterAccess, verify_target, verify_url

    access = access or ClusterAccess()
    if headers:
        access = replace(access, headers=headers)
    if url is not None:
        if target is not None:
            raise TargetAndUrlError(target, url)
        return verify_url(project.root, url=url, headers=access.headers, pace=pace, on_event=on_event)

    def release_of(image: str) -> Release:
        return replace(read_release(project), proof=proof_of_image(project, image, {"insecure": insecure}))

    assert target is not None
    return verify_target(
        project.root, target=target, release_of=release_of, access=access, pace=pace, on_event=on_event
    )


def _record_proof(project: Project, verification: Verification, on_event: OnEvent) -> None:
    """Record the proof of the project, unless its record has the proof of the same code."""
    from scaffold.upgrade import write_record

    try:
        record = project.record
        before = record.verification
        if before and before.passed and before.code_sha256 == verification.code_sha256:
            return
        measured = before.measurements if before else None  # its manifests hold these
        proof = replace(verification, openapi="", measurements=measured)
        write_record(project.root, replace(record, verification=proof), keep_pristine=True)
    except NoRecordError:
        return
    except OSError as error:
        on_event(Noted(f"the proof is not recorded: {error}"))
