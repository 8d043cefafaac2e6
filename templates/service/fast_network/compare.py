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
MOST_SINGLE = 100  # rows that are asked one by one where a batch of them is refused

Outcome = NDArray[Any] | None  # None: refused


class Both:
    """The module, and its compiled form."""

    def __init__(self) -> None:
        self.model = load_model()
        with open_model(CONSTANTS, SHA256) as file:
            self.fast = FastModel(dict(np.load(file)))
        answers = self.of_model(recorded_rows())
        self.scale = 0.0 if answers is None else float(magnitudes(answers).max())

    def of_model(self, rows: list[Any]) -> Outcome:
        """Return what the module returns for rows."""
        return outcome(lambda: getattr(self.model, METHODS[0])(plain_input(rows)), Exception)

    def of_fast(self, rows: list[Any]) -> Outcome:
        """Return what its compiled form returns for rows."""
        return outcome(lambda: getattr(self.fast, METHODS[0])(fast_input(rows)), ValueError)

    def spread(self, row: Any) -> float:
        """Return how far the answer to a row moves if each number of the row moves by its sixth digit."""
        inputs, usual = plain_input([row]), self.of_model([row])
        if usual is None or usual.dtype.kind != "f" or not inputs.is_floating_point():
            return 0.0
        largest, moved = torch.finfo(inputs.dtype).max, [0.0]
        for seed in range(4):
            is_up = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
            near = inputs * torch.where(is_up, 1 + RELATIVE, 1 - RELATIVE).to(inputs.dtype)
            near = near.clamp(-largest, largest)
            answer = outcome(lambda: getattr(self.model, METHODS[0])(near), Exception)  # noqa: B023
            if answer is not None and answer.shape == usual.shape and are_finite(answer).all():
                moved.append(float(np.abs(answer - usual).max()))
        return max(moved)

    def differs(self, row: Any, own: Outcome, usual: Outcome) -> bool:
        """Whether the answers to a row are further apart than the answers to nearly the same row."""
        if self.same(own, usual):
            return False
        if own is None or usual is None or own.shape != usual.shape or own.dtype != usual.dtype:
            return True
        apart = np.abs(own.astype(np.float64) - usual.astype(np.float64)).max()
        return not apart <= SPREADS * self.spread(row)

    def same(self, own: Outcome, usual: Outcome) -> bool:
        """Whether both are equal: floats to 6 digits, everything else exactly.

        A number in 32 bits has 7 digits, and a sum of many fewer. A record that overflows in the
        module, whose answer is not finite, has no answer to compare.
        """
        if own is None or usual is None:
            return own is usual
        if own.shape != usual.shape or own.dtype != usual.dtype:
            return False
        if usual.dtype.kind != "f":
            return np.array_equal(own, usual)
        largest = magnitudes(usual).reshape(len(usual), -1).max(axis=1, initial=self.scale)
        with np.errstate(all="ignore"):
            apart = np.abs(own - usual).reshape(len(usual), -1) / largest[:, None] > RELATIVE
        missing = np.isnan(own).reshape(len(usual), -1)
        return not bool((apart | missing)[are_finite(usual)].any())


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


def are_finite(answers: NDArray[Any]) -> NDArray[Any]:
    """Return for each row whether its numbers are finite."""
    finite: NDArray[Any] = np.isfinite(answers).reshape(len(answers), -1).all(axis=1)
    return finite


def compare(rows: int, seed: int = 0) -> dict[str, Any]:
    """Return on how many rows both were compared, and the first difference.

    Args:
        rows: How many rows are made up, beside the recorded ones; fewer if they are large.
        seed: Other rows for another number.
    """
    both, compared, overflowing = Both(), 0, 0
    for group, part in [("recorded", recorded_rows()), *made_up_rows(rows, seed)]:
        count, infinite, difference = compare_rows(both, part)
        if difference:
            return {"rows": compared, "difference": {"group": group, **difference}}
        compared, overflowing = compared + count, overflowing + infinite
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
                if both.differs(row, both.of_fast([row]), both.of_model([row])):
                    return len(taken), 0, describe(both, row)
        else:
            dtype = found.dtype
            overflowing += len(part) - int(are_finite(found).sum())
            usual += list(found)
            taken += part
    for size in SIZES:
        for start in range(0, len(taken), size if size > 1 else 4):  # each fourth one alone
            end = min(start + size, len(taken))
            expected = np.array(usual[start:end], dtype=dtype)
            own = both.of_fast(taken[start:end])
            # In a batch of another size the module itself may differ in the last digits.
            if not both.same(own, expected) and not both.same(own, both.of_model(taken[start:end])):
                for i, row in enumerate(taken[start:end]):
                    answer = None if own is None else own[i : i + 1]
                    if both.differs(row, answer, expected[i : i + 1]):
                        return len(taken), 0, describe(both, row, end - start)
    return len(taken) - overflowing, overflowing, None


def describe(both: Both, row: Any, size: int = 1) -> dict[str, Any]:
    """Return what differs for a row."""
    return {
        "step": type(both.model).__name__,
        "method": METHODS[0],
        "row": vars(row),
        "batch": size,
        "fast": shown(both.of_fast([row])),
        "model": shown(both.of_model([row])),
    }


def shown(found: Outcome) -> str:
    """Return a result as text."""
    return "refused" if found is None else f"{found.tolist()} ({found.dtype})"
