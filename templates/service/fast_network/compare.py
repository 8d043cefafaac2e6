"""Compare what app/fast.py returns with what the module in the model file returns."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from app.fast import SHA256, FastModel
from app.serving.model_file import open_model
from tests.fast.fast_input import to_model as fast_input
from tests.fast.fields import CONSTANTS, METHODS, SIZES, load_model
from tests.fast.plain_input import to_model as plain_input
from tests.fast.rows import made_up_rows, recorded_rows

RELATIVE = 1e-6  # of the largest number in the answer to a row, or in those to the sample
SPREADS = 4  # or so many times what the answer moves with the sixth digits of the row
EXTREME = 1000  # times the largest number of the sample, or 1: the module may overflow in 32 bits
MOST_SINGLE = 100  # rows that are asked one by one where a batch of them is refused

Outcome = NDArray[Any] | None  # None: refused


class Both:
    """The module, and its compiled form."""

    def __init__(self) -> None:
        self.model = load_model()
        with open_model(CONSTANTS, SHA256) as file:
            self.fast = FastModel(dict(np.load(file)))
        recorded = recorded_rows()
        self.extreme = EXTREME * max(1.0, float(magnitudes(numbers_of(recorded)).max(initial=0)))
        answers = self.of_model(recorded)
        self.scale = 0.0 if answers is None else float(magnitudes(answers).max(initial=0))

    def of_model(self, rows: list[Any]) -> Outcome:
        """Return what the module returns for rows.

        Raises:
            ValueError: It does not return one answer for each of several rows.
        """
        answers = outcome(lambda: getattr(self.model, METHODS[0])(plain_input(rows)), Exception)
        return require_rows(answers, len(rows), "the model")

    def of_fast(self, rows: list[Any]) -> Outcome:
        """Return what its compiled form returns for rows.

        Raises:
            ValueError: It does not return one answer for each of several rows.
        """
        answers = outcome(lambda: getattr(self.fast, METHODS[0])(fast_input(rows)), ValueError)
        return require_rows(answers, len(rows), "app/fast.py")

    def spread(self, row: Any) -> float:
        """Return how far the answer to a row moves if its numbers move by their sixth digit."""
        inputs, usual = plain_input([row]), self.of_model([row])
        if usual is None or usual.dtype.kind != "f" or not inputs.is_floating_point():
            return 0.0
        largest, moved = torch.finfo(inputs.dtype).max, [0.0]
        for seed in range(4):
            is_up = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
            near = inputs * torch.where(is_up, 1 + RELATIVE, 1 - RELATIVE).to(inputs.dtype)
            near = near.clamp(-largest, largest)
            answer = outcome(lambda: getattr(self.model, METHODS[0])(near), Exception)  # noqa: B023
            if answer is not None and answer.shape == usual.shape:
                apart = answer.astype(np.float64) - usual.astype(np.float64)
                moved.append(float(magnitudes(apart).max(initial=0)))
        return max(moved)

    def are_extreme(self, rows: list[Any]) -> NDArray[Any]:
        """Return for each row whether one of its numbers is far beyond those of the sample.

        Missing numbers are not: a row of numbers like those of the sample, some of them missing,
        does not overflow.
        """
        far: NDArray[Any] = (np.abs(numbers_of(rows)) > self.extreme).any(axis=1)
        return far

    def overflowing(self, answers: NDArray[Any], rows: list[Any]) -> int:
        """Return how many of the rows are extreme and have an answer that is not finite."""
        finite = np.isfinite(answers.reshape(len(rows), -1)).all(axis=1)
        infinite = [row for row, is_finite in zip(rows, finite, strict=True) if not is_finite]
        return int(self.are_extreme(infinite).sum()) if infinite else 0

    def differs(self, row: Any, own: Outcome, usual: Outcome) -> bool:
        """Whether the answers to a row are further apart than those to nearly the same row."""
        if self.same([row], own, usual):
            return False
        return not self.same([row], own, usual, tolerance=SPREADS * self.spread(row))

    def same(
        self, rows: list[Any], own: Outcome, usual: Outcome, *, tolerance: float = 0.0
    ) -> bool:
        """Whether both are equal: floats to 6 digits, everything else exactly.

        A number in 32 bits has 7 digits, and a sum of many fewer. Each number of an answer is
        compared for itself. Where the module returns NaN or an infinity, the compiled form has to
        return the same, except for an extreme row: in 32 bits, it depends on the order of a sum
        whether that overflows.

        Args:
            rows: The rows of both answers.
            own: What the compiled form returns.
            usual: What the module returns.
            tolerance: How far apart floats may be besides.
        """
        if own is None or usual is None:
            return own is usual
        if own.shape != usual.shape or own.dtype != usual.dtype:
            return False
        if usual.dtype.kind != "f":
            return np.array_equal(own, usual)
        own, usual = (each.reshape(len(rows), -1).astype(np.float64) for each in (own, usual))
        largest = magnitudes(usual).max(axis=1, initial=self.scale, keepdims=True)
        with np.errstate(all="ignore"):
            close = np.abs(own - usual) <= np.maximum(RELATIVE * largest, tolerance)
        equal = (own == usual) | (np.isnan(own) & np.isnan(usual))
        overflow = ~np.isfinite(usual)
        if overflow.any():
            overflow &= self.are_extreme(rows)[:, None]
        return bool((close | equal | overflow).all())


def require_rows(answers: Outcome, count: int, source: str) -> Outcome:
    """Return the answers; the answer to a single row may have no axis for rows.

    Raises:
        ValueError: They are not one for each row.
    """
    if answers is not None and count > 1 and answers.shape[:1] != (count,):
        raise ValueError(f"{source} returns shape {answers.shape} for {count} rows")
    return answers


def numbers_of(rows: list[Any]) -> NDArray[Any]:
    """Return the numbers of each row; NaN for a missing one."""
    numbers: NDArray[Any] = np.asarray(fast_input(rows), dtype=np.float64)
    return numbers.reshape(len(rows), -1)


def outcome(compute: Callable[[], Any], refusal: type[Exception]) -> Outcome:
    """Return the result as an array; None if it is refused."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(compute())
        except refusal:
            return None


def magnitudes(answers: NDArray[Any]) -> NDArray[Any]:
    """Return how large each number is; 0 where it is not finite."""
    return np.where(np.isfinite(answers), np.abs(answers), 0)


def compare(rows: int, seed: int = 0) -> dict[str, Any]:
    """Return on how many rows both were compared, and the first difference.

    Args:
        rows: How many rows are made up, beside the recorded ones; fewer if they are large.
        seed: Other rows for another number.

    Raises:
        ValueError: No row has an answer to compare.
    """
    both, compared, overflowing = Both(), 0, 0
    for group, part in [("recorded", recorded_rows()), *made_up_rows(rows, seed)]:
        count, infinite, difference = compare_rows(both, part)
        if difference:
            return {"rows": compared, "difference": {"group": group, **difference}}
        compared, overflowing = compared + count, overflowing + infinite
    if not compared:
        raise ValueError("no row was compared: the model refuses the rows, or overflows on them")
    return {"rows": compared, "overflowing": overflowing, "sizes": SIZES, "difference": None}


def compare_rows(both: Both, rows: list[Any]) -> tuple[int, int, dict[str, Any] | None]:
    """Return how many rows were compared, how many overflow, and the first difference."""
    usual: list[Any] = []
    taken: list[Any] = []
    dtype: Any = None
    single = overflowing = 0
    for start in range(0, len(rows), SIZES[-1]):
        part = rows[start : start + SIZES[-1]]
        found = both.of_model(part)
        if found is None:  # a row of it is refused: which one?
            for row in part[: MOST_SINGLE - single]:
                single += 1
                difference = difference_of(both, [row], both.of_fast([row]), both.of_model([row]))
                if difference:
                    return len(taken), 0, difference
        else:
            dtype = found.dtype
            overflowing += both.overflowing(found, part)
            usual += [found] if found.shape[:1] != (len(part),) else list(found)
            taken += part
    for size in SIZES:
        for start in range(0, len(taken), size if size > 1 else 4):  # each fourth one alone
            batch = taken[start : start + size]
            own = both.of_fast(batch)
            expected = np.array(usual[start : start + size], dtype=dtype)
            # In a batch of another size the module itself may differ: in the last digits, or, which
            # the first batch of each size finds, in what it computes.
            if start == 0 or not both.same(batch, own, expected):
                difference = difference_of(both, batch, own, both.of_model(batch))
                if difference:
                    return len(taken), 0, difference
    return len(taken) - overflowing, overflowing, None


def difference_of(
    both: Both, batch: list[Any], own: Outcome, usual: Outcome
) -> dict[str, Any] | None:
    """Return the first row of a batch whose answers differ, with both answers."""
    if both.same(batch, own, usual):
        return None
    for i, row in enumerate(batch):
        answers = [answer_to(each, i, len(batch)) for each in (own, usual)]
        if both.differs(row, *answers):
            return describe(both, row, answers, len(batch))
    return None


def answer_to(answers: Outcome, i: int, count: int) -> Outcome:
    """Return the answer to one row of a batch of `count`."""
    return answers if answers is None or count == 1 else answers[i : i + 1]


def describe(both: Both, row: Any, answers: list[Outcome], size: int) -> dict[str, Any]:
    """Return what differs for a row: the answers of the compiled form and of the module."""
    return {
        "step": type(both.model).__name__,
        "method": METHODS[0],
        "row": vars(row),
        "batch": size,
        "fast": shown(answers[0]),
        "model": shown(answers[1]),
    }


def shown(found: Outcome) -> str:
    """Return a result as text."""
    return "refused" if found is None else f"{found.tolist()} ({found.dtype})"
