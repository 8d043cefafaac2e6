"""Check the consistency of a project's files without running them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from scaffold.base.checked import path_below, read_below
from scaffold.base.files import sha256_file
from scaffold.base.git import run_git
from scaffold.base.layout import (
    FAST_LOCK,
    FAST_REQUIREMENTS,
    LOCK,
    MODEL_FOLDER,
    OPENAPI,
    RECORDED,
    REQUIREMENTS,
    SCHEMAS,
    UNDO,
    UPDATE,
)
from scaffold.base.lockfile import Lock
from scaffold.base.locks import read_model_lock
from scaffold.base.markers import marked_lines
from scaffold.base.other_tools import find_locking_tool
from scaffold.base.package import find_package
from scaffold.errors import CommandError, FilesDisagreeError, NoRecordError, ScaffoldError
from scaffold.errors.wording import counted, shell_line
from scaffold.spec import Check, Outcome, Verification
from scaffold.verbs._model_hash import expected_hashes, pointed_hash, require_compiled_files
from scaffold.verbs._proving import recording_of
from scaffold.verbs._quick_lock import RELOCK, RELOCK_TESTS, Differs, count_locked, require_same_versions
from scaffold.verbs._wire_schema import fields_of_class, read_request_schema
from scaffold.verbs.project import Project

_SKIPPED_FOLDERS = {".git", ".venv", "venv", "node_modules", "__pycache__"}
_LARGEST_SCANNED_BYTES = 4 << 20
_MOST_NAMED_FILES = 10


class _Skipped(Exception):  # noqa: N818 - the check is left out, and says why
    """The check does not apply to this project."""


def verify_quickly(project: Project) -> Verification:
    """Check the files of a project without running them, and return the checks.

    Raises:
        FilesDisagreeError: Files contradict each other.
    """
    checks = tuple(
        _run_check(name, check, project)
        for name, check in {
            "merge": _check_markers,
            "record": _check_record,
            "model": _check_model,
            "lock": _check_lock,
            "sample": _check_sample,
            "schema": _check_schema,
            "proof": _check_proof,
            "environment": _check_environment,
        }.items()
    )
    failed = [check for check in checks if check.outcome is Outcome.FAILED]
    if failed:
        problems = tuple(f"{check.name}: {check.detail}" for check in failed)
        raise FilesDisagreeError(str(project.root), problems)
    return Verification(checks=checks)


def _run_check(name: str, check: Callable[[Project], str], project: Project) -> Check:
    """Run one check.

    A check's docstring states the rule; the check returns a detail for a pass, and raises `Differs` for a
    failure, `_Skipped` if it does not apply.
    """
    try:
        return Check(name=name, outcome=Outcome.PASSED, detail=check(project))
    except _Skipped as reason:
        return Check(name=name, outcome=Outcome.SKIPPED, detail=str(reason))
    except (Differs, ScaffoldError) as problem:
        return Check(name=name, outcome=Outcome.FAILED, detail=str(problem))
    except SyntaxError as error:
        detail = f"{error.filename}, line {error.lineno}: {error.msg}"
        return Check(name=name, outcome=Outcome.FAILED, detail=detail)
    except (OSError, ValueError) as error:
        return Check(name=name, outcome=Outcome.FAILED, detail=f"{type(error).__name__}: {error}")


def _verify_line(project: Project, *options: str) -> str:
    return shell_line("scaffold", "verify", project.root, *options)


def _lines_in(project: Project, *command: str) -> str:
    """Return the lines that run a command in the folder of the project."""
    line = shell_line(*command)
    is_here = project.root.resolve() == Path.cwd()
    return line if is_here else f"{shell_line('cd', project.root)}\n{line}"


def _check_markers(project: Project) -> str:
    """No file has the markers of a merge, and no update was interrupted."""
    if path_below(project.root, UPDATE).is_dir():
        raise Differs(f"an update was interrupted; this finishes it:\n{_verify_line(project)}")
    places: list[str] = []
    for path in _small_files(project.root):
        text = path.read_bytes()
        if b"<<<<<<< " in text and (lines := marked_lines(text.decode("utf-8", "replace"))):
            places.append(f"{path.relative_to(project.root).as_posix()}:{lines[0]}")
    if not places:
        return "no conflict markers"
    named = ", ".join(sorted(places)[:_MOST_NAMED_FILES])
    others = len(places) - _MOST_NAMED_FILES
    more = f" and in {counted(others, 'more file')}" if others > 0 else ""
    line = _verify_line(project, "--quick")
    raise Differs(f"conflict markers: {named}{more}; resolve them, then check again:\n{line}")


def _small_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name not in _SKIPPED_FOLDERS
            and not name.endswith("_cache")
            and Path(folder, name) != root / UNDO  # what the last change replaced
        ]
        for path in (Path(folder, name) for name in files):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST_SCANNED_BYTES:
                yield path


def _check_record(project: Project) -> str:
    """The record of the project can be read."""
    try:
        spec = project.record.spec
    except NoRecordError:
        raise _Skipped("there is no record; `scaffold update` needs one") from None
    return f"{spec.name} {spec.version}"


def _check_model(project: Project) -> str:
    """The model is the one that the code and the record name, and so are the files of the compiled one."""
    require_compiled_files(project)
    files = project.model_files
    if len(files) > 1:
        raise _Skipped(f"{MODEL_FOLDER}/ has {len(files)} files")
    hashes = expected_hashes(project)
    if not files:
        _raise_missing_model(project)
    path = files[0].relative_to(project.root).as_posix()
    pointed = pointed_hash(files[0])
    sha256_of_file = pointed or sha256_file(files[0])
    for place, sha256 in hashes:
        if sha256 != sha256_of_file:
            sample = ("--input", "sample.pkl")
            update = shell_line("scaffold", "update", project.root, "--model", files[0], *sample)
            raise Differs(f"{path} is {sha256_of_file[:12]}, and {place} has {sha256[:12]}\n{update}")
    if not hashes:
        raise _Skipped("neither the code nor the record has a hash of the model")
    return f"{path} is {sha256_of_file[:12]}{', from its Git LFS pointer' if pointed else ''}"


def _recorded_model(project: Project) -> Path | None:
    """Return where the record has the model file; it may be absent."""
    try:
        return project.record.spec.artifact.path
    except ScaffoldError:
        return None


def _raise_missing_model(project: Project) -> NoReturn:
    """A model that is kept out of git may be absent from a checkout."""
    recorded = _recorded_model(project)
    path = recorded.relative_to(project.root).as_posix() if recorded else f"{MODEL_FOLDER}/model.pkl"
    if _git_succeeds(project, "check-ignore", "--quiet", path):
        raise _Skipped(f"{path} is absent, and git ignores it")
    if _git_succeeds(project, "ls-files", "--error-unmatch", path):
        checkout = shell_line("git", "-C", project.root, "checkout", "--", path)
        raise Differs(f"{path} is absent; git has it:\n{checkout}")
    hashes = expected_hashes(project)
    known = f", whose sha256 begins with {hashes[0][1][:12]}" if hashes else ""
    raise Differs(f"the model is absent; restore {path}{known}")


def _git_succeeds(project: Project, *arguments: str) -> bool:
    try:
        run_git(project.root, *arguments)
    except CommandError:
        return False
    return True


def _check_lock(project: Project) -> str:
    """The locks satisfy each requirement, and agree with each other."""
    root = project.root
    tool = find_locking_tool(root)
    if tool and not (root / LOCK).is_file():
        raise _Skipped(f"{tool.lock} is the lock")
    lock = project.lock
    if not path_below(root, REQUIREMENTS).is_file():
        raise _Skipped(f"there is no {REQUIREMENTS}")
    requirements = read_below(root, REQUIREMENTS).decode()
    count = count_locked(LOCK, lock, REQUIREMENTS, requirements, _lines_in(project, *RELOCK))
    detail = f"{count} requirements, locked as {len(lock.names)} distributions"
    if not path_below(root, FAST_REQUIREMENTS).is_file():
        return detail
    more = read_model_lock(root) or Lock.parse("")
    relock = _lines_in(project, *RELOCK_TESTS)
    # This file includes the other one.
    requirements = f"{read_below(root, FAST_REQUIREMENTS).decode()}\n{requirements}"
    of_both = count_locked(FAST_LOCK, more, FAST_REQUIREMENTS, requirements, relock)
    require_same_versions(lock, more, relock)
    return f"{detail}; {of_both - count} of the model, locked with them as {len(more.names)}"


def _check_sample(project: Project) -> str:
    """The recorded sample can be read."""
    return f"{len(project.recording.requests)} recorded requests"


def _check_schema(project: Project) -> str:
    """The OpenAPI document has the fields of the code, and accepts the recorded requests."""
    request = read_request_schema(project.root)
    if request is None:
        raise _Skipped(f"{OPENAPI} describes no request")
    package = find_package(project.root)
    schemas = f"{package}/{Path(SCHEMAS).name}"
    if request.name and request.fields and package and path_below(project.root, schemas).is_file():
        fields = fields_of_class(read_below(project.root, schemas).decode(), request.name, schemas)
        if fields is not None and fields != request.fields:
            differing_fields = ", ".join(sorted(fields ^ request.fields))
            record = _lines_in(project, "python", "-m", "tests.record")
            raise Differs(f"{schemas} and {OPENAPI} differ in: {differing_fields}\n{record}")
    # Either the generated or the owner's names of the fields may fit.
    misfit = request.misfit(project.recording.requests) and request.misfit(recording_of(project).requests)
    if misfit:
        accept = "Correct its requests, then record the answers:\n" + _verify_line(project, "--accept")
        raise Differs(f"{RECORDED} does not fit {OPENAPI}: {misfit}\n{accept}")
    return f"the recorded requests have the fields and types of {OPENAPI}"


def _check_proof(project: Project) -> str:
    """The recorded proof belongs to the present code."""
    line = _verify_line(project)
    try:
        proof = project.verification
    except ScaffoldError:
        proof = None
    if proof is None or not proof.passed:
        raise _Skipped(f"no proof is recorded: {line}")
    if proof.code_sha256 != project.code_sha256:
        raise _Skipped(f"the code changed after the recorded proof; prove it: {line}")
    return "recorded for this code"


def _check_environment(project: Project) -> str:
    """Checks that need the environment of the service, which a quick check does not create."""
    line = _verify_line(project)
    raise _Skipped(f"installation of the lock, answers of the service; check them: {line}")
