"""What the proof measured, as requests, limits and probes of a pod."""

from __future__ import annotations

import math

from scaffold.render._knob_checks import quantity
from scaffold.render._knobs import Knobs
from scaffold.spec import Measurements

_PULL_S = 300
_MIB = 1 << 20
_PLACEHOLDER = "Placeholder, not measured: the proof was skipped."


def resources_of(knobs: Knobs, measurements: Measurements | None) -> dict[str, object]:
    """Return requests and limits with their comments: measured, answered, or placeholders."""
    if measurements is None:
        request, limit = 512 * _MIB, 1024 * _MIB
        comment = limit_comment = _PLACEHOLDER
    else:
        peak = measurements.peak_memory_bytes
        request, limit = _rounded(peak * 1.25), _rounded(peak * 2)
        comment = (
            f"Measured: {math.ceil(peak / _MIB)} MiB at most while the sample was scored; a quarter more."
        )
        limit_comment = "Twice what was measured: larger batches need more."
    if knobs.memory:
        comment += " Overridden by an answer."
        limit = max(limit, _rounded(quantity(knobs.memory)))
    if knobs.memory_limit:
        limit_comment = "As answered."
        request = min(request, int(quantity(knobs.memory_limit)))
    cpu_limit = knobs.cpu_limit or max("1", knobs.cpu, key=quantity)
    return {
        "cpu": knobs.cpu,
        "cpu_limit": cpu_limit,
        "target_cpu": f"{max(1, round(10 * knobs.target_utilization * quantity(cpu_limit)))}m",
        "target_comment": f"{knobs.target_utilization} % of the limit",
        "memory": knobs.memory or _mebibytes(request),
        "memory_comment": comment,
        "memory_limit": knobs.memory_limit or _mebibytes(limit),
        "memory_limit_comment": limit_comment,
    }


def probes_of(measurements: Measurements | None) -> dict[str, object]:
    """Return the times of the probes with their comments: measured, or placeholders."""
    if measurements is None:
        allowed_s = 60
        startup = f"Up to {allowed_s} s to load the model. {_PLACEHOLDER}"
        probe, probe_timeout_s = _PLACEHOLDER, 2
    else:
        allowed_s = max(30, 2 * math.ceil(5 * measurements.load_s))
        startup = (
            f"Up to {allowed_s} s to load the model; {measurements.load_s:.1f} s were measured. "
            "A larger one needs a higher failureThreshold."
        )
        probe_timeout_s = max(2, math.ceil(10 * measurements.latency_s))
        probe = f"One row was scored in {1000 * measurements.latency_s:.1f} ms."
    return {
        "startup_comment": startup,
        "startup_failures": math.ceil(allowed_s / 2),
        "probe_comment": probe,
        "probe_timeout_s": probe_timeout_s,
        "liveness_timeout_s": max(5, 2 * probe_timeout_s),
        "progress_deadline_s": 60 * math.ceil((_PULL_S + allowed_s) / 60),
    }


def _rounded(size_bytes: float) -> int:
    """Up to the next 64 MiB, so that two proofs of one model agree."""
    step = 64 * _MIB
    return step * math.ceil(size_bytes / step)


def _mebibytes(size_bytes: int) -> str:
    mebibytes = max(1, size_bytes // _MIB)
    return f"{mebibytes}Mi" if mebibytes % 1024 else f"{mebibytes // 1024}Gi"
