"""How many threads BLAS and OpenMP may use: as many as the container's CPU quota has room for.

These libraries see the machine's cores and not the quota. With more threads than it allows they stand in
each other's way, and a prediction gets slower by as much.
"""

import math
import os
from pathlib import Path

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
)


def limit_threads() -> None:
    """Set the thread variables that are not set already; before numpy and its like are imported."""
    workers = os.environ.get("WORKERS", "1")
    share = available_cpus() // max(1, int(workers) if workers.isdigit() else 1)
    for variable in VARIABLES:
        os.environ.setdefault(variable, str(max(1, math.floor(share))))


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """CPUs that this process may use: its affinity, or the quota of its container where that is less."""
    if hasattr(os, "sched_getaffinity"):
        cpus = float(len(os.sched_getaffinity(0)))
    else:
        cpus = float(os.cpu_count() or 1)
    try:
        if (
            cgroup / "cpu.max"
        ).exists():  # version 2: "200000 100000", or "max 100000" without a quota
            quota, period = (cgroup / "cpu.max").read_text().split()
        else:  # version 1: -1 without a quota
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        return min(cpus, int(quota) / int(period)) if quota not in {"max", "-1"} else cpus
    except (OSError, ValueError):
        return cpus
