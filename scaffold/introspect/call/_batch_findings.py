"""The findings about a row's answer when it is batched with other rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """Each examined row got the same answer alone and with other rows."""

    real: int
    made_up: int

    def __str__(self) -> str:
        rows = "row" if self.real == 1 else "rows"
        made_up_rows = "made-up row" if self.made_up == 1 else "made-up rows"
        addition = f" and {self.made_up} {made_up_rows}" if self.made_up else ""
        return f"a row gets the same answer alone and in a batch: {self.real} {rows} of the sample{addition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A row got different answers alone and in an arrangement of rows."""

    arrangement: str
    """`with the rows in reverse order`."""
    finding: str
    """`row 3 gets 14, alone 18`; or what the model raised."""

    def __str__(self) -> str:
        return f"{self.arrangement} {self.finding}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstable:
    """The same row alone got different answers at different times."""

    when: str
    """`before and after other rows`."""
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """No evidence: all rows are equal, and no other rows can be made up."""

    def __str__(self) -> str:
        return "the rows of the sample are all alike, and no others can be made up of them"


Finding = Independent | Dependent | Unstable | Undecided
