"""The findings about a row's answer when it is batched with other rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """Nothing contradicts that a row gets the same answer alone and among others."""

    real: int
    made_up: int

    def __str__(self) -> str:
        rows = "row" if self.real == 1 else "rows"
        made = "made-up row" if self.made_up == 1 else "made-up rows"
        beside = f" and {self.made_up} {made}" if self.made_up else ""
        return f"a row gets the same answer alone and in a batch: {self.real} {rows} of the sample{beside}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """An arrangement in which a row got another answer than alone."""

    arrangement: str
    """`with the rows in reverse order`."""
    finding: str
    """`row 3 gets 14, alone 18`; or what the model raised."""

    def __str__(self) -> str:
        return f"{self.arrangement} {self.finding}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstable:
    """The same row alone got another answer later."""

    when: str
    """`before and after other rows`."""
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Rows that are all the same, and of which no others can be made up, show nothing."""

    def __str__(self) -> str:
        return "the rows of the sample are all alike, and no others can be made up of them"


Finding = Independent | Dependent | Unstable | Undecided
