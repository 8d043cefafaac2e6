"""Random models: those that are compiled return what the model returns, and the others are left alone.

`python -m tests.accelerate.test_property 0 2000` tries as many.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from scaffold.spec import NoFastPlan
from tests.accelerate.compiled import Compiled, compile_model
from tests.accelerate.models import Case, random_case

SEEDS = range(5000, 5030)
MOST_DIFFERING = 0.02
"""The share of compiled models that may differ in the proof, at extreme numbers, and are then not used."""


def try_seed(seed: int, folder: Path, rows: int) -> str:
    """Return what becomes of a random model; an assertion fails if that is wrong."""
    case = random_case(seed)
    if case is None:
        return "not fitted"
    compiled = compile_model(case.model, case.frame, case.method, folder)
    if isinstance(compiled, NoFastPlan):
        return "left alone"
    assert case.compiles, f"seed {seed}: {case.model} has a step without a compiled form"
    if compiled.compare.compare(rows, seed)["difference"]:
        return "differs"
    _check_sample(case, compiled, seed)
    return "equal"


def _check_sample(case: Case, compiled: Compiled, seed: int) -> None:
    """Compare on the sample itself, without the code of the proof."""
    columns = _columns(case, compiled)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        usual, own = (
            getattr(case.model, case.method)(case.frame),
            getattr(compiled.fast, case.method)(columns),
        )
    assert (usual.dtype, usual.shape) == (own.dtype, own.shape), f"seed {seed}"
    if usual.dtype.kind == "f":
        relative = 1e-12 if usual.dtype == np.float64 else 1e-6
        smallest = 1e-300  # below, a float has fewer digits
        assert np.allclose(usual, own, rtol=relative, atol=smallest, equal_nan=True), f"seed {seed}"
    else:
        assert np.array_equal(usual, own), f"seed {seed}"


def _columns(case: Case, compiled: Compiled) -> Any:
    if not compiled.plan.branches:
        return case.frame.to_numpy(dtype=compiled.plan.dtype)
    arrays = {}
    for name, column in case.frame.items():
        is_number = column.dtype.kind in "iufb"
        values = [None if value != value else value for value in column.astype(object)]
        arrays[str(name)] = column.to_numpy() if is_number else np.array(values, dtype=object)
    return arrays


def test_random_models_are_compiled_equal_or_left_alone(tmp_path: Path) -> None:
    outcomes = collections.Counter(try_seed(seed, tmp_path, rows=30) for seed in SEEDS)
    assert outcomes["equal"] > len(SEEDS) / 2, outcomes
    assert outcomes["differs"] <= 1, outcomes


def main(first: int, last: int) -> None:
    """Try random models, and print what became of them."""
    outcomes: collections.Counter[str] = collections.Counter()
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            outcome = try_seed(seed, Path(folder), rows=100)
        outcomes[outcome] += 1
        if outcome == "differs":
            print("seed", seed, "differs")
    print(dict(outcomes))
    share = outcomes["differs"] / max(outcomes["equal"] + outcomes["differs"], 1)
    sys.exit(share > MOST_DIFFERING)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
