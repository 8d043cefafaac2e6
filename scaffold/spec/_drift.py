"""What a comparison of a service's traffic with its baseline finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FieldKind(Enum):
    """How the values of a field are counted: numbers in bins, categories by value."""

    NUMBER = "number"
    CATEGORY = "category"


class DriftVerdict(Enum):
    """What is known about a field, or about all of them."""

    STABLE = "stable"
    SLIGHT = "slight change"
    """Another distribution, but not by as much as counts as drift."""
    DRIFT = "drift"
    TOO_FEW = "not enough rows"
    UNKNOWN = "not compared"
    """No metric of the training is recorded."""
    ABSENT = "in no row"
    """The traffic does not have the field: it was left out of the log, or the table has no such column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftBin:
    """The share of all rows in one bin, in the baseline and now."""

    label: str
    then: float
    now: float
    outside: bool = False
    """Whether the baseline has no such value: out of its range, or none of its categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDrift:
    """One field of the requests or of the predictions, compared with the baseline."""

    name: str
    kind: FieldKind
    verdict: DriftVerdict
    rows: int = 0
    psi: float = 0.0
    """The population stability index, less what chance alone adds; 0 or more."""
    jensen_shannon: float = 0.0
    """The Jensen-Shannon divergence in bits: 0 for equal distributions, 1 for disjoint ones."""
    p_value: float = 1.0
    """Of the likelihood-ratio test for equal distributions, adjusted for the number of fields."""
    missing_then: float = 0.0
    missing_now: float = 0.0
    bins: tuple[DriftBin, ...] = ()
    """The last one is that of missing values."""

    @property
    def outside_then(self) -> float:
        """The share of the baseline's rows in categories too rare to be listed; 0 for numbers."""
        return sum(each.then for each in self.bins if each.outside)

    @property
    def outside_now(self) -> float:
        """The share of rows out of the range, or in none of the categories, of the baseline."""
        return sum(each.now for each in self.bins if each.outside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric of some predictions, with the interval that has it in 99 of 100 cases."""

    start: str
    """The first day."""
    rows: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDrift:
    """A metric of the predictions that have a label, compared with that of the training."""

    name: str
    recorded_as: str
    """The name of the metric of the training; empty where none is recorded."""
    then: float | None
    now: Estimate
    periods: tuple[Estimate, ...]
    verdict: DriftVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """The traffic of a service, compared with the baseline of its model."""

    project: str
    version: str
    source: str
    since: str
    rows: int
    first: str
    """The time of the oldest row; empty where rows have no times."""
    last: str
    baseline_rows: int
    made_from: str
    """What the baseline was made from: `the sample`, or the name of a file."""
    psi_threshold: float
    detectable_psi: float | None
    """A PSI that the test finds in 9 of 10 cases with this many rows; None without rows."""
    fields: tuple[FieldDrift, ...]
    predictions: tuple[FieldDrift, ...]
    metrics: tuple[MetricDrift, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[str, ...]:
        """The fields, predictions and metrics that drifted."""
        compared: list[FieldDrift | MetricDrift] = [*self.fields, *self.predictions, *self.metrics]
        return tuple(each.name for each in compared if each.verdict is DriftVerdict.DRIFT)

    @property
    def verdict(self) -> DriftVerdict:
        """Drift if there is any; not enough rows if no field has another verdict."""
        if self.drifted:
            return DriftVerdict.DRIFT
        verdicts = {each.verdict for each in (*self.fields, *self.predictions)}
        is_known = verdicts & {DriftVerdict.STABLE, DriftVerdict.SLIGHT}
        return DriftVerdict.STABLE if is_known else DriftVerdict.TOO_FEW
