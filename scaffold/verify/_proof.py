"""Replay the sample against the service and compare: the proof that a project gives the model's answers."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scaffold._layout import LOCK
from scaffold._lockfile import read_lock
from scaffold._recording import read_recording
from scaffold.errors import AnswersDifferError, VerificationError
from scaffold.spec import Check, JSONValue, Measurements, Outcome, Recording, Verification
from scaffold.verify._blame import versions_of_model
from scaffold.verify._compare import Difference, first_difference
from scaffold.verify._environment import make_environment
from scaffold.verify._orders import BATCH, replay_again, replay_concurrently, replay_in_other_orders
from scaffold.verify._service import Answer, ProofAccess, Service, started_service

_UNKNOWN_FIELD = "no field has this name"


def verify_project(
    root: Path,
    *,
    python: str,
    on_check: Callable[[Check], None] = lambda _check: None,
    observe: Callable[[Service], Recording | None] = lambda _service: None,
    access: ProofAccess | None = None,
) -> Verification:
    """Prove the project `root`: install its lock, start its service, replay its recorded sample, compare.

    Args:
        root: A generated project.
        python: The Python version of its lock.
        on_check: Told of each check as it passes.
        observe: Given the service before the replay; may return another sample to compare with.
        access: What the service may reach besides its project and its libraries; nothing when absent.

    Returns:
        The checks, all of them passed, and what was measured meanwhile.

    Raises:
        AnswersDifferError: The service gives another answer than the model's, at a named place.
        RowsDependError: The answer to a row depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The service gives another answer than it gave before.
        VerificationError: The environment cannot be made, the service does not run, or refuses the sample.
    """
    recording = read_recording(root)
    checks: list[Check] = []

    def passed(name: str, detail: str) -> None:
        checks.append(Check(name=name, outcome=Outcome.PASSED, detail=detail))
        on_check(checks[-1])

    with tempfile.TemporaryDirectory(prefix="scaffold-proof-") as folder:
        interpreter = make_environment(root, Path(folder) / "env", python=python)
        lock = read_lock(root)
        passed("environment", f"{len(lock.names)} distributions installed from {LOCK} with their hashes")
        with started_service(root, interpreter, access=access or ProofAccess()) as service:
            passed("start", f"ready after {service.load_s:.1f} s")
            recording = observe(service) or recording
            pins = versions_of_model(root, lock)
            seconds = _replay_singly(service, recording, pins)
            rows = len(recording.requests)
            passed("one by one", f"{rows} of {rows} answered as the model does")
            _replay_in_batches(service, recording, pins)
            passed("in batches", f"{rows} of {rows} answered as the model does")
            compared = replay_in_other_orders(service, recording)
            passed(
                "in other orders", f"{compared} rows in reverse and random order, each with its own answer"
            )
            callers = replay_concurrently(service, recording, statistics.median(seconds))
            passed("at once", f"{callers} callers at once, each with its own answers")
            again = replay_again(service, recording)
            passed("again", f"{again} of {again} answered as at first")
            _check_refusal(service)
            passed("refusal", "a body that does not fit is a 422 that names the field")
            openapi = service.openapi()
            measured = Measurements(
                load_s=service.load_s,
                peak_memory_bytes=service.peak_memory_bytes(),
                latency_s=statistics.median(seconds),
            )
    return Verification(checks=tuple(checks), measurements=measured, openapi=openapi)


def _replay_singly(service: Service, recording: Recording, pins: dict[str, str]) -> list[float]:
    """Send each row alone; return the seconds that each took."""
    seconds = []
    for row, (request, wanted) in enumerate(zip(recording.requests, recording.answers, strict=True)):
        answer = service.post("/score", request)
        _compare(answer, wanted, f"row {row}", pins)
        seconds.append(answer.seconds)
    return seconds


def _replay_in_batches(service: Service, recording: Recording, pins: dict[str, str]) -> None:
    for start in range(0, len(recording.requests), BATCH):
        rows = slice(start, start + BATCH)
        answer = service.post("/score/batch", list(recording.requests[rows]))
        wanted = list(recording.answers[rows])
        _compare(answer, wanted, f"rows {start} to {start + len(wanted) - 1} as a batch", pins)


def _compare(answer: Answer, wanted: JSONValue, what: str, pins: dict[str, str]) -> None:
    if answer.status != 200:
        raise VerificationError(
            f"The service refuses the sample: {what} is answered with {answer.status}.\n"
            f"  {json.dumps(answer.body)[:500]}"
        )
    if found := first_difference(answer.body, wanted):
        raise AnswersDifferError(what, found.path, _shown(found), _versions(pins))


def _check_refusal(service: Service) -> None:
    answer = service.post("/score", {_UNKNOWN_FIELD: None})
    if answer.status != 422:
        raise VerificationError(
            f"The service answers {answer.status}, not 422, to a body that does not fit: "
            f'{{"{_UNKNOWN_FIELD}": null}}.'
        )


def _shown(found: Difference) -> tuple[str, str]:
    return json.dumps(found.got), json.dumps(found.wanted)


def _versions(pins: dict[str, str]) -> Sequence[tuple[str, str, str]]:
    """(distribution, version in the service, version here) where the two differ."""
    differing = []
    for name, pinned in pins.items():
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        if pinned and here != pinned:
            differing.append((name, pinned, here))
    return tuple(differing)
