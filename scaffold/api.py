"""The pipeline: one short function per verb. The only module that knows the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold._checked import path_below, python_version
from scaffold._files import require_empty, sha256_file, staged
from scaffold._options import ModelOptions, Options
from scaffold._proving import accept_answers
from scaffold._settled import settled
from scaffold._specify import checked_answers, service_name, specified, told_of_checks
from scaffold._workers import proof_access
from scaffold.errors import MissingTargetError, NoRecordError, NotAProjectError
from scaffold.events import Finished, OnEvent, Started, ignore
from scaffold.spec import JSONValue, ProjectRecord, ProjectSpec, Variable, Verification

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.resolve import Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that was written, and its proof."""

    root: Path
    spec: ProjectSpec
    files: Mapping[str, str]
    """sha256 by path."""
    verification: Verification | None

    @property
    def example(self) -> str:
        """A made-up body of `POST /score`, quoted for a shell."""
        from scaffold.render import shell_example

        return shell_example(self.spec.signature)

    def __str__(self) -> str:
        proven = "proven" if self.verification and self.verification.passed else "not proven"
        return f"{self.spec.name} {self.spec.version} in {self.root} ({len(self.files)} files, {proven})"


def new(
    model: Any,
    input: Any,
    output: Any = None,
    target: str | Path | None = None,
    *,
    name: str | None = None,
    verify: bool = True,
    answers: Mapping[str, JSONValue] | None = None,
    template: str | None = None,
    on_event: OnEvent = ignore,
    **options: Unpack[ModelOptions],
) -> Project:
    """Write a score service for a trained model, prove it, and return where it is.

    Args:
        model: The model, or the path (or URL) of its file.
        input: A sample of its input: an object, or the path of a file that holds one.
        output: What the model gives for that input, likewise; without it the model is asked.
        target: The folder to write: absent or empty.
        name: The service's name; the folder's when absent.
        verify: Whether to prove it. A project that fails its proof is not written.
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
    said = Options(**options)
    checked = checked_answers(answers)
    with specified(model, input, output, name, checked, said, on_event) as spec:
        with staged(target) as root:
            files = _write(spec, root, template, on_event)
            verification = _prove(spec, root, files, said, on_event) if verify else None
            _record(spec, root, files, said, verification, template)
        return Project(root=target, spec=spec, files=files, verification=verification)


def inspect(
    model: Any,
    input: Any,
    output: Any = None,
    *,
    on_event: OnEvent = ignore,
    **options: Unpack[ModelOptions],
) -> ProjectSpec:
    """Return what `new` would make a project of. Writes nothing.

    Args:
        model: As for `new`, like the others.
        input: A sample of its input.
        output: What the model gives for it.
        on_event: Called with each event.
        options: The fields of `Options`.

    Raises:
        ScaffoldError: A leaf of it, which says what to do.
    """
    with specified(model, input, output, "model", {}, Options(**options), on_event) as spec:
        return spec


def verify(
    project: str | Path,
    *,
    accept: bool = False,
    allow_read: Sequence[str | Path] = (),
    allow_network: bool = False,
    on_event: OnEvent = ignore,
) -> Verification:
    """Prove a project again, as it stands now, and return the proof.

    Args:
        project: The project's folder.
        accept: Take the answers that the service gives now for the right ones, and record them.
        allow_read: Files and folders that the service may read besides the project.
        allow_network: Whether the service may connect to other machines.
        on_event: Called with each event.

    Raises:
        VerificationError: Its service does not give the recorded answers; or a branch of it.
    """
    from scaffold.verify import verify_project

    root = _project_root(project)
    python = python_version(root)
    access = proof_access(_variables_of(root), read=allow_read, network=allow_network)
    if accept:
        return accept_answers(root, python=python, access=access, on_event=on_event)
    on_event(Started("verify"))
    return verify_project(root, python=python, on_check=told_of_checks(on_event), access=access)


def serve(
    project: str | Path, *, host: str = "127.0.0.1", port: int = 8000, on_event: OnEvent = ignore
) -> int:
    """Run a project's service until it is interrupted; return its exit status.

    Its environment is made from the lock in the project's `.venv`, anew when the lock has changed.
    """
    from scaffold.verify import make_environment, serve_project

    root = _project_root(project)
    on_event(Started("environment"))
    python = make_environment(root, path_below(root, ".venv"), python=python_version(root))
    on_event(Finished("environment", f"{root / '.venv'} holds what the lock says"))
    on_event(Finished("serve", f"http://{host}:{port}/docs is its API page; Ctrl-C stops it"))
    return serve_project(root, python, host=host, port=port)


def audit(project: str | Path) -> Audit:
    """Return what a project's lock holds: a bill of materials, licences, and what is known against it.

    Raises:
        UsageError: The folder is no project.
    """
    from scaffold.resolve import audit_project

    return audit_project(_project_root(project))


def _write(spec: ProjectSpec, root: Path, template: str | None, on_event: OnEvent) -> dict[str, str]:
    """Write the project of `spec` into `root` and return the sha256 of its files."""
    from scaffold.render import render_project

    on_event(Started("render"))
    files = dict(render_project(spec, root, template=template).files)
    on_event(Finished("render", f"{len(files)} files"))
    return files


def _prove(
    spec: ProjectSpec, root: Path, files: dict[str, str], said: Options, on_event: OnEvent
) -> Verification:
    """Prove the project in `root`, and write what was measured into its manifests and into `files`."""
    from scaffold.render import filled_manifests
    from scaffold.verify import verify_project

    on_event(Started("verify"))
    access = proof_access(spec.variables, read=said.allow_read, network=said.allow_network)
    verification = verify_project(
        root, python=spec.dependencies.python, on_check=told_of_checks(on_event), access=access
    )
    assert verification.measurements is not None
    written = filled_manifests(spec, verification.measurements)
    if verification.openapi:
        written["openapi.json"] = verification.openapi.encode()
    for path, content in written.items():
        (root / path).write_bytes(content)
        files[path] = sha256_file(root / path)
    return replace(verification, openapi="")


def _record(
    spec: ProjectSpec,
    root: Path,
    files: Mapping[str, str],
    said: Options,
    verification: Verification | None,
    template: str | None,
) -> None:
    """Write into the project what it was made from: the next update starts there."""
    from scaffold.upgrade import write_record

    record = ProjectRecord(
        spec=spec,
        files=files,
        template=template or "",
        options=said.as_json(),
        verification=verification,
    )
    write_record(root, record)


def _variables_of(root: Path) -> tuple[Variable, ...]:
    """What the model of a project reads from the environment; nothing where the record is gone."""
    from scaffold.upgrade import read_record

    try:
        return read_record(root)[0].spec.variables
    except NoRecordError:
        return ()


def _project_root(project: str | Path) -> Path:
    root = Path(project)
    if not (root / "app" / "main.py").is_file() or not (root / "requirements.txt").is_file():
        raise NotAProjectError(str(root), ("app/main.py", "requirements.txt"))
    return settled(root)
