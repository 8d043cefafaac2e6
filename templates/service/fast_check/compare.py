"""Compare what app/fast.py returns with what the model returns."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.fast import SHA256, FastModel
from app.serving.model_file import open_model
from tests.fast.boundaries import (
    Sides,
    boundary_rows,
    sides_of_labels,
    sides_of_trees,
    threshold_points,
)
from tests.fast.fast_input import to_model as fast_input
from tests.fast.fields import CONSTANTS, METHODS, load_model
from tests.fast.plain_input import to_model as plain_input
from tests.fast.rows import made_up_rows, recorded_rows

SIZES = (1, 7, 64, 256)
RELATIVE = 1e-12
SMALLEST = 1e-300  # below, a float has fewer digits
TOLERANCE = 1e-6  # for floats of 32 bits, of the largest number in the answer to a row
MOST_BOUNDARIES = 1000  # thresholds that are looked for in the numbers of the fields
MOST_SINGLE = 100  # rows of a group that the model is asked to refuse, one by one

Outcome = NDArray[Any] | None  # None: refused


class Both:
    """The model, and its compiled form."""

    def __init__(self) -> None:
        self.model = load_model()
        with open_model(CONSTANTS, SHA256) as file:
            self.fast = FastModel(dict(np.load(file)))

    def of_model(self, method: str, rows: list[Any]) -> Outcome:
        """Return what the model returns for rows."""
        return outcome(lambda: getattr(self.model, method)(plain_input(rows)), Exception)

    def of_fast(self, method: str, rows: list[Any]) -> Outcome:
        """Return what its compiled form returns for rows."""
        return outcome(lambda: getattr(self.fast, method)(fast_input(rows)), ValueError)

    def last_input(self, rows: list[Any]) -> NDArray[Any]:
        """Return what the last step of the compiled form takes for rows."""
        transform = getattr(self.fast, "transform", np.asarray)
        return transform(fast_input(rows))

    @property
    def trees(self) -> Any:
        """The trees of the compiled form; None of a model without such."""
        trees = getattr(self.fast.last, "trees", None)
        return trees if hasattr(trees, "threshold") else None

    def label_numbers(self, numbers: dict[Any, int], rows: list[Any]) -> Outcome:
        """Return the numbers of the labels that the compiled form gives to rows, in a column."""
        labels = self.of_fast("predict", rows)
        if labels is None:
            return None
        return np.array([[numbers[each]] for each in labels.ravel().tolist()])

    def compared(self, rows: list[Any]) -> Outcome:
        """Return what the trees of the compiled form compare with their thresholds."""
        last: Any = self.fast.last
        return outcome(lambda: last.rounded(self.last_input(rows)), ValueError)

    def step_before_last(self, rows: list[Any]) -> str:
        """Return which step differs for rows: those before the last, or the last."""
        transform = getattr(self.fast, "transform", None)
        if transform is None or not hasattr(self.model, "steps"):
            return type(self.model).__name__
        names = [type(step).__name__ for _, step in self.model.steps]
        own = outcome(lambda: transform(fast_input(rows)), ValueError)
        usual = outcome(lambda: dense(self.model[:-1].transform(plain_input(rows))), Exception)
        return names[-1] if same(own, usual, any_dtype=True) else " or ".join(names[:-1])


def outcome(compute: Callable[[], Any], refusal: type[Exception]) -> Outcome:
    """Return the result as an array; None if it is refused."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(compute())
        except refusal:
            return None


def dense(x: Any) -> Any:
    """Return a sparse matrix as an array."""
    return x.toarray() if hasattr(x, "toarray") else x


def same(own: Outcome, usual: Outcome, *, any_dtype: bool = False) -> bool:
    """Whether both are equal: floats to 12 digits, those of 32 bits to 6; the rest exactly."""
    if own is None or usual is None:
        return own is usual
    if own.shape != usual.shape or (own.dtype != usual.dtype and not any_dtype):
        return False
    if usual.dtype.kind == "f":
        if usual.dtype == np.float64:
            return np.allclose(own, usual, rtol=RELATIVE, atol=SMALLEST, equal_nan=True)
        sizes = np.where(np.isfinite(usual), np.abs(usual), 0)
        largest = sizes.max(axis=-1, keepdims=True) if usual.ndim > 1 else sizes
        return np.allclose(own, usual, rtol=0, atol=TOLERANCE * largest, equal_nan=True)
    return np.array_equal(own, usual)


def compare(rows: int, seed: int = 0) -> dict[str, Any]:
    """Return on how many rows both were compared, and the first difference.

    Args:
        rows: How many rows are made up, beside the recorded ones and those at thresholds of trees.
        seed: Other rows for another number.
    """
    both, compared = Both(), 0
    most = min(rows, MOST_BOUNDARIES)
    boundaries = boundary_rows(sides_of(both, most), most)
    groups = [("recorded", recorded_rows()), *made_up_rows(rows, seed), ("boundary", boundaries)]
    for group, part in groups:
        for method in METHODS:
            count, difference = compare_rows(both, method, part)
            if difference:
                return {"rows": compared, "difference": {"group": group, **difference}}
        compared += count
    if not compared:
        raise ValueError("no row was compared: the model refuses all of them")
    points, difference = compare_thresholds(both)
    return {"rows": compared, "thresholds": points, "difference": difference}


def sides_of(both: Both, most: int) -> list[Sides]:
    """Return what decides for rows: at most so many thresholds of trees, and the labels."""
    found = sides_of_trees(both.compared, both.trees, most) if both.trees else []
    # A graph without trees sums in another order: the last bit decides between two labels there.
    is_exact = not hasattr(both.fast.last, "session")
    classes: Any = getattr(both.fast.last, "classes", np.empty(0))
    if is_exact and "predict" in METHODS and len(classes) > 1:
        numbers = {label: i for i, label in enumerate(classes.tolist())}
        found.append(sides_of_labels(partial(both.label_numbers, numbers), len(classes)))
    return found


def compare_rows(both: Both, method: str, rows: list[Any]) -> tuple[int, dict[str, Any] | None]:
    """Return how many rows were compared in batches of each size, and the first difference."""
    usual: list[Any] = []
    taken: list[Any] = []
    dtype: Any = None
    asked = 0
    for start in range(0, len(rows), SIZES[-1]):
        part = rows[start : start + SIZES[-1]]
        found = both.of_model(method, part)
        if found is None:
            refused: list[Any] = []
            accepted: list[Any] = []
            for row in part:
                is_refused = both.of_fast(method, [row]) is None
                (refused if is_refused else accepted).append(row)
            part = accepted
            for row in refused[: MOST_SINGLE - asked]:
                asked += 1
                if both.of_model(method, [row]) is not None:
                    return len(taken), describe(both, method, row)
            if not part:
                continue
            found = both.of_model(method, part)
            if found is None:
                return len(taken), describe(both, method, refused_row(both, method, part))
        dtype = found.dtype
        usual += list(found)
        taken += part
    for size in SIZES:
        for start in range(0, len(taken), size if size > 1 else 4):  # each fourth one alone
            end = min(start + size, len(taken))
            expected = np.array(usual[start:end], dtype=dtype)
            own = both.of_fast(method, taken[start:end])
            # In a batch of another size the model itself may differ in the last bits.
            if not same(own, expected):
                batch = taken[start:end]
                difference = difference_in(both, method, batch, own, both.of_model(method, batch))
                if difference:
                    return len(taken), difference
    return len(taken), None


def refused_row(both: Both, method: str, rows: list[Any]) -> Any:
    """Return a row that the model refuses, of rows that it refuses together."""
    while len(rows) > 1:
        first = rows[: len(rows) // 2]
        rows = first if both.of_model(method, first) is None else rows[len(first) :]
    return rows[0]


def difference_in(
    both: Both, method: str, batch: list[Any], own: Outcome, usual: Outcome
) -> dict[str, Any] | None:
    """Return the first difference between the answers to a batch: for a row alone, or within it."""
    if same(own, usual):
        return None
    for row in batch:
        if not same(both.of_fast(method, [row]), both.of_model(method, [row])):
            return describe(both, method, row)
    parts = [(row, *(cut(each, i) for each in (own, usual))) for i, row in enumerate(batch)]
    row, *answers = next((part for part in parts if not same(*part[1:])), parts[0])
    values = dict(zip(("fast", "model"), map(shown, answers), strict=True))
    return {**describe(both, method, row), "batch": len(batch), **values}


def cut(answers: Outcome, i: int) -> Outcome:
    """Return the answer to one row of a batch."""
    return None if answers is None else answers[i : i + 1]


def describe(both: Both, method: str, row: Any) -> dict[str, Any]:
    """Return what differs for a row alone."""
    return {
        "step": both.step_before_last([row]),
        "method": method,
        "row": vars(row),
        "batch": 1,
        "fast": shown(both.of_fast(method, [row])),
        "model": shown(both.of_model(method, [row])),
    }


def shown(found: Outcome) -> str:
    """Return a result as text."""
    return "refused" if found is None else f"{found.tolist()} ({found.dtype})"


def compare_thresholds(both: Both) -> tuple[int, dict[str, Any] | None]:
    """Return how many points at thresholds the last step was compared on, and a difference."""
    if not both.trees:
        return 0, None
    last, model = both.fast.last, both.model
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    compared = 0
    for x in threshold_points(both.last_input(recorded_rows()), both.trees):
        for method in METHODS:
            own = outcome(lambda: getattr(last, method)(x), ValueError)  # noqa: B023 - called at once
            usual = outcome(lambda: getattr(model, method)(x), Exception)  # noqa: B023
            if not same(own, usual):
                step = type(model).__name__
                values = {"fast": shown(own)[:200], "model": shown(usual)[:200]}
                return compared, {"group": "threshold", "step": step, "method": method, **values}
        compared += len(x) if own is not None else 0
    return compared, None
