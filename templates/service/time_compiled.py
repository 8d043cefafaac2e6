"""Print how many times as fast as the model its compiled form is, for 1 and for 64 rows, as JSON.

Both are timed in turns in one process, from records to predictions; the median of the turns counts.
"""

import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

from tests.fast.compare import Both
from tests.fast.fast_input import to_model as fast_input
from tests.fast.fields import METHODS
from tests.fast.plain_input import to_model as plain_input
from tests.fast.rows import recorded_rows

SIZES = (1, 64)
TURNS = 15
TURN_S = 0.02


def seconds(call: Callable[[], Any], count: int) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def ratio(both: Both, rows: list[Any]) -> float:
    """Return the time of the model, divided by that of its compiled form."""
    method = METHODS[0]
    of_fast, of_model = getattr(both.fast, method), getattr(both.model, method)
    calls = [lambda: of_model(plain_input(rows)), lambda: of_fast(fast_input(rows))]
    counts = [max(1, int(TURN_S / min(seconds(call, 1) for _ in range(3)))) for call in calls]
    turns = [
        [seconds(call, count) for call, count in zip(calls, counts, strict=True)]
        for _ in range(TURNS)
    ]
    model, fast = (statistics.median(times) for times in zip(*turns, strict=True))
    return model / fast


def main() -> None:
    """Print both ratios."""
    warnings.simplefilter("ignore")
    both, recorded = Both(), recorded_rows()
    rows = [recorded[i % len(recorded)] for i in range(SIZES[-1])]
    print(json.dumps([ratio(both, rows[:size]) for size in SIZES]))


if __name__ == "__main__":
    main()
