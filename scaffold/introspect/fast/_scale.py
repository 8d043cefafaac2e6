"""Scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import constant, fast_step, finite, require
from scaffold.spec import FastStep


def read_standard(step: Any, numeric: bool) -> FastStep:
    """Return a StandardScaler."""
    names = {"mean": "mean_"} if step.with_mean else {}
    return _shifted(step, numeric, "StandardScaler", names | ({"scale": "scale_"} if step.with_std else {}))


def read_robust(step: Any, numeric: bool) -> FastStep:
    """Return a RobustScaler."""
    names = {"center": "center_"} if step.with_centering else {}
    return _shifted(step, numeric, "RobustScaler", names | ({"scale": "scale_"} if step.with_scaling else {}))


def read_max_abs(step: Any, numeric: bool) -> FastStep:
    """Return a MaxAbsScaler."""
    require(step, not attribute(step, "clip"), "clip")
    return _shifted(step, numeric, "RobustScaler", {"scale": "scale_"})


def _shifted(step: Any, numeric: bool, name: str, attributes: Mapping[str, str]) -> FastStep:
    """Return a step with the constants that are these attributes, by parameter."""
    require(step, numeric, "text")
    constants = [constant(parameter, finite(step, each)) for parameter, each in attributes.items()]
    return fast_step(name, *constants)


def read_min_max(step: Any, numeric: bool) -> FastStep:
    """Return a MinMaxScaler."""
    require(step, numeric, "text")
    constants = constant("scale", finite(step, "scale_")), constant("shift", finite(step, "min_"))
    if not attribute(step, "clip"):
        return fast_step("MinMaxScaler", *constants)
    return fast_step("MinMaxScaler", *constants, clip=[float(limit) for limit in step.feature_range])


def read_normalizer(step: Any, numeric: bool) -> FastStep:
    """Return a Normalizer."""
    require(step, numeric and step.norm in ("l1", "l2", "max"), f"norm={step.norm!r}")
    return fast_step("Normalizer", norm=step.norm)
