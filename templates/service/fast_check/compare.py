"""Compare what app/fast.py returns with what the model returns."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.fast import SHA256, FastModel
from app.serving.model_file import open_model
from tests.fast.fast_input import to_model as fast_input
from tests.fast.fields import CONSTANTS, METHODS, load_model
from tests.fast.plain_input import to_model as plain_input
from tests.fast.rows import made_up_rows, recorded_rows

SIZES = (1, 7, 64, 256)
RELATIVE = 1e-12
SMALLEST = 1e-300  # below, a float has fewer digits
TOLERANCE = 1e-6  # for floats of 32 bits, of the largest number in the answer to a row
MOST_THRESHOLDS = 20_000
MOST_SINGLE = 100  # rows that are asked one by one where a batch of them is refused

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
    for group, part in [("recorded", recorded_rows()), *made_up_rows(rows, seed)]:
        for method in METHODS:
            count, difference = compare_rows(both, method, part)
            if difference:
                return {"rows": compared, "difference": {"group": group, **difference}}
        compared += count
    points, difference = compare_thresholds(both)
    return {"rows": compared, "thresholds": points, "difference": difference}


def compare_rows(both: Both, method: str, rows: list[Any]) -> tuple[int, dict[str, Any] | None]:
    """Return how many rows were compared in batches of each size, and the first difference."""
    usual: list[Any] = []
    taken: list[Any] = []
    dtype: Any = None
    single = 0
    for start in range(0, len(rows), SIZES[-1]):
        part = rows[start : start + SIZES[-1]]
        found = both.of_model(method, part)
        if found is None:  # a row of it is refused: which one?
            for row in part[: MOST_SINGLE - single]:
                single += 1
                if not same(both.of_fast(method, [row]), both.of_model(method, [row])):
                    return len(taken), describe(both, method, row)
        else:
            dtype = found.dtype
            usual += list(found)
            taken += part
    for size in SIZES:
        for start in range(0, len(taken), size if size > 1 else 4):  # each fourth one alone
            end = min(start + size, len(taken))
            expected = np.array(usual[start:end], dtype=dtype)
            own = both.of_fast(method, taken[start:end])
            # In a batch of another size the model itself may differ in the last bits.
            if not same(own, expected) and not same(own, both.of_model(method, taken[start:end])):
                for row in taken[start:end]:
                    if not same(both.of_fast(method, [row]), both.of_model(method, [row])):
                        return len(taken), describe(both, method, row)
                return len(taken), describe(both, method, taken[start], end - start)
    return len(taken), None


def describe(both: Both, method: str, row: Any, size: int = 1) -> dict[str, Any]:
    """Return what differs for a row."""
    return {
        "step": both.step_before_last([row]),
        "method": method,
        "row": vars(row),
        "batch": size,
        "fast": shown(both.of_fast(method, [row])),
        "model": shown(both.of_model(method, [row])),
    }


def shown(found: Outcome) -> str:
    """Return a result as text."""
    return "refused" if found is None else f"{found.tolist()} ({found.dtype})"


def compare_thresholds(both: Both) -> tuple[int, dict[str, Any] | None]:
    """Return how many points at thresholds of trees were compared, and the first difference."""
    last = both.fast.last
    trees = getattr(last, "trees", None)
    if not hasattr(trees, "threshold"):
        return 0, None
    model = both.model
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    compared = 0
    for x in threshold_points(both, trees):
        for method in METHODS:
            own = outcome(lambda: getattr(last, method)(x), ValueError)  # noqa: B023 - called at once
            usual = outcome(lambda: getattr(model, method)(x), Exception)  # noqa: B023
            if not same(own, usual):
                step = type(model).__name__
                values = {"fast": shown(own)[:200], "model": shown(usual)[:200]}
                return compared, {"group": "threshold", "step": step, "method": method, **values}
        compared += len(x)
    return compared, None


def threshold_points(both: Both, trees: Any) -> Iterator[NDArray[Any]]:
    """Yield rows of the last step's input: one value at a threshold, or next to it."""
    rows = recorded_rows()
    transform = getattr(both.fast, "transform", lambda x: x)
    base = np.asarray(transform(fast_input(rows)), dtype=np.float64)
    pairs = sorted(set(zip(trees.feature.tolist(), trees.threshold.tolist(), strict=True)))
    pairs = [(feature, threshold) for feature, threshold in pairs if np.isfinite(threshold)]
    if len(pairs) > MOST_THRESHOLDS:
        chosen = np.random.default_rng(0).choice(len(pairs), MOST_THRESHOLDS, replace=False)
        pairs = [pairs[i] for i in chosen.tolist()]
    for start in range(0, len(pairs), 500):
        points: list[NDArray[Any]] = []
        for feature, threshold in pairs[start : start + 500]:
            narrow = np.float32(threshold)
            for value in (
                threshold,
                np.nextafter(threshold, -np.inf),
                np.nextafter(threshold, np.inf),
                narrow,
                np.nextafter(narrow, np.float32(-np.inf)),
                np.nextafter(narrow, np.float32(np.inf)),
            ):
                point = base[len(points) % len(base)].copy()
                point[feature] = value
                points.append(point)
        yield np.array(points)
