"""The results of the tests that ask a deployed service."""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.spec._proof import Check, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests of one kind, as JUnit has them."""

    name: str
    """`functional` or `stress`."""
    checks: tuple[Check, ...]
    seconds: float

    def count(self, outcome: Outcome) -> int:
        """Return how many checks ended so."""
        return sum(check.outcome is outcome for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether no check failed, and at least one passed."""
        return self.count(Outcome.FAILED) == 0 < self.count(Outcome.PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTests:
    """What the tests of a project found at a URL."""

    url: str
    suites: tuple[Suite, ...]

    @property
    def passed(self) -> bool:
        """Whether each suite passed."""
        return all(suite.passed for suite in self.suites)
