"""Missing values."""

from __future__ import annotations

from typing import Any

from scaffold.introspect.fast._values import constant, fast_step, refuse, require
from scaffold.spec import FastStep


def read_imputer(step: Any, numeric: bool) -> FastStep:
    """Return a SimpleImputer for NaN."""
    import numpy as np

    missing = step.missing_values
    require(step, isinstance(missing, float) and np.isnan(missing), f"missing_values={missing!r}")
    fill = np.asarray(step.statistics_)
    if not numeric:
        require(step, not step.add_indicator, "add_indicator")
        if not all(isinstance(value, str | int | float) and value == value for value in fill.tolist()):
            raise refuse(step, "a column without values")
        return fast_step("TextImputer", fill=fill.tolist())
    fill = fill.astype(np.float64)
    require(step, bool(np.isfinite(fill).all()), "a column without values")
    # scikit-learn computes a mean or a median in floats; else integers stay as they are.
    keeps = {"keeps_integers": True} if step.strategy in ("most_frequent", "constant") else {}
    if not step.add_indicator:
        return fast_step("SimpleImputer", constant("fill", fill), **keeps)
    indicator = step.indicator_
    require(step, indicator.features == "missing-only" and not indicator.error_on_new, "this indicator")
    indicated = np.asarray(indicator.features_, dtype=np.int64)
    constants = constant("fill", fill), constant("indicated", indicated)
    return fast_step("IndicatingImputer", *constants, **keeps)
