"""The proof of a project, and what it measured."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named check of the proof."""

    name: str
    outcome: Outcome
    detail: str
    """What was found: `20 of 20 rows answered as the model does`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What the proof measured while the service ran: the manifests' requests and limits come from here."""

    load_s: float
    peak_memory_bytes: int
    latency_s: float
    """Median time of a one-row request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The proof: named checks, each with its outcome and detail."""

    checks: tuple[Check, ...]
    measurements: Measurements | None = None
    openapi: str = ""
    """The service's `/openapi.json`, as indented JSON; empty if it serves none."""
    code_sha256: str = ""
    """The hash of the files that were proven: code, model and lock; empty in records of older versions."""

    @property
    def passed(self) -> bool:
        """Whether every check passed: a proof that was left out is none."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)
