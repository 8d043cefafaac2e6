"""The proof that a project gives the model's answers: its lock is installed and its sample replayed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath

from scaffold.base.code import code_sha256
from scaffold.base.layout import APP, FAST_LOCK, PROTOCOL_FILES
from scaffold.base.locks import lock_file, open_lock, open_model_lock
from scaffold.base.package import find_package
from scaffold.base.recording import read_recording
from scaffold.base.replay import replay, replay_protocol
from scaffold.base.temporary import TemporaryFolder
from scaffold.errors import AnswersDifferError, ExampleRefusedError, UnfitAcceptedError
from scaffold.proof._compiled import compare_compiled_model
from scaffold.proof._environment import make_environment
from scaffold.proof._model_versions import versions_of_model
from scaffold.proof._service import ProofAccess, Service, start_service
from scaffold.spec import (
    OTHER_PROTOCOLS,
    PROTOCOLS,
    Check,
    JSONValue,
    Measurements,
    Outcome,
    Recording,
    Verification,
)

OnCheck = Callable[[Check], None]
_UNKNOWN_FIELD = "no field has this name"


def verify_project(
    root: Path,
    *,
    python: str,
    on_check: OnCheck = lambda _check: None,
    access: ProofAccess | None = None,
    recording: Recording | None = None,
    example: JSONValue = None,
) -> Verification:
    """Prove the project `root`: install its lock, start its service, replay its recorded sample, compare.

    Args:
        root: A generated project.
        python: The Python version of its lock.
        on_check: Called with each check as it passes.
        access: What the service may reach besides its project and its libraries; nothing when absent.
        recording: What is replayed; the recorded sample of the project when absent.
        example: The made-up request that its README shows; `None` where it shows none.

    Returns:
        The checks, all of them passed, and what was measured meanwhile.

    Raises:
        AnswersDifferError: The service gives another answer than the model's, at a named place.
        RowsDependError: The answer to a row depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The service gives another answer than it gave before.
        ExampleRefusedError: The service does not answer `example`.
        VerificationError: The environment cannot be made, the service does not run, or refuses the sample.
    """
    recording = recording or read_recording(root)
    with start_proof(root, python=python, on_check=on_check, access=access) as proof:
        return proof.finish(recording, example)


@contextlib.contextmanager
def start_proof(
    root: Path,
    *,
    python: str,
    on_check: OnCheck = lambda _check: None,
    access: ProofAccess | None = None,
) -> Iterator[Proof]:
    """Install the lock of the project `root` and start its service; give the proof, which can be finished.

    The service runs until the block ends.

    Args:
        root: As for `verify_project`, like the others.
        python: The Python version of its lock.
        on_check: Called with each check as it passes.
        access: What the service may reach.

    Raises:
        CompiledModelDiffersError: The compiled model returns something else than the model.
        VerificationError: The environment cannot be made, or the service does not run.
    """
    with TemporaryFolder("proof") as folder:
        interpreter = make_environment(root, Path(folder) / "env", python=python)
        lock = open_lock(root)
        access = access or ProofAccess()
        compiled = _compare_compiled(root, interpreter, Path(folder) / "model", python, access)
        with start_service(root, interpreter, access=access) as service:
            proof = Proof(
                service, versions_of_model(root, lock), on_check, code_sha256(root), _protocols(root)
            )
            installed = f"{len(lock.names)} distributions installed from {lock_file(root)} with their hashes"
            proof.passed("environment", installed)
            if compiled:
                proof.passed("compiled model", compiled)
            proof.passed("start", f"ready after {service.load_s:.1f} s")
            yield proof


def _compare_compiled(root: Path, interpreter: Path, folder: Path, python: str, access: ProofAccess) -> str:
    """Compare the compiled model with the model, where the libraries of the model are; return on what.

    Args:
        root: The project.
        interpreter: The Python of the environment of the service.
        folder: A folder for another environment, if that of the service lacks the libraries.
        python: The Python version of the lock.
        access: What the model may read.

    Raises:
        CompiledModelDiffersError: They return different values.
        VerificationError: The environment cannot be made.
    """
    lock = open_model_lock(root)
    if lock is None:
        return compare_compiled_model(root, interpreter, access)
    interpreter = make_environment(root, folder, python=python, lock=lock)
    compiled = compare_compiled_model(root, interpreter, access)
    return compiled and f"{compiled}, with the libraries of {FAST_LOCK}, which the service does without"


class Proof:
    """A proof in progress: the service runs, and no answer was compared yet."""

    def __init__(
        self,
        service: Service,
        versions: Mapping[str, str],
        on_check: OnCheck,
        code_sha256: str,
        protocols: Sequence[str] = (),
    ) -> None:
        self.service = service
        self._protocols = protocols
        self._versions, self._on_check, self._code_sha256 = versions, on_check, code_sha256
        self._checks: list[Check] = []

    def passed(self, name: str, detail: str) -> None:
        """Note a check that passed."""
        self._note(Check(name=name, outcome=Outcome.PASSED, detail=detail))

    def finish(self, recording: Recording, example: JSONValue = None) -> Verification:
        """Replay `recording`, send `example` where there is one, and return the proof with what was measured.

        Raises:
            VerificationError: A leaf of it, as for `verify_project`.
        """
        try:
            replayed = replay(self.service, recording, on_check=self._note)
        except AnswersDifferError as error:
            differing = _differing(self._versions)
            raise AnswersDifferError(
                error.what, error.path, error.values, differing, error.endpoint
            ) from error
        if example is not None:
            _check_example(self.service, example)
            self.passed("example", "the request that README.md shows is answered")
        _check_refusal(self.service)
        self.passed("refusal", "a body that does not fit is a 422 that names the field")
        openapi = self.service.openapi()
        for name in self._protocols:
            replay_protocol(self.service, PROTOCOLS[name].of_model(_title(openapi)), recording)
            self.passed(name, "a row and a batch of the sample, sent in this protocol, get the same answers")
        measured = Measurements(
            load_s=self.service.load_s,
            peak_memory_bytes=self.service.peak_memory_bytes(),
            latency_s=replayed.latency_s,
        )
        return Verification(
            checks=tuple(self._checks),
            measurements=measured,
            openapi=openapi,
            code_sha256=self._code_sha256,
        )

    def _note(self, check: Check) -> None:
        self._checks.append(check)
        self._on_check(check)


def _protocols(root: Path) -> Sequence[str]:
    """The protocols that the project has a file for."""
    package = find_package(root) or APP
    folder = root / package / PurePosixPath(PROTOCOL_FILES).name
    return [name for name in OTHER_PROTOCOLS if (folder / f"{name}.py").is_file()]


def _title(openapi: str) -> str:
    """The name of the service."""
    return str(json.loads(openapi)["info"]["title"]) if openapi else ""


def _check_example(service: Service, example: JSONValue) -> None:
    answer = service.score(example)
    if answer.status != 200 or not answer.is_json:
        raise ExampleRefusedError(answer.status, json.dumps(example), answer.body)


def _check_refusal(service: Service) -> None:
    body: JSONValue = {_UNKNOWN_FIELD: None}
    answer = service.score(body)
    if answer.status != 422:
        raise UnfitAcceptedError(answer.status, json.dumps(body))


def _differing(versions: Mapping[str, str]) -> Sequence[tuple[str, str, str]]:
    """(distribution, version in the service, version here) where the two differ."""
    differing = []
    for name, pinned in versions.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if pinned and installed != pinned:
            differing.append((name, pinned, installed))
    return tuple(differing)
