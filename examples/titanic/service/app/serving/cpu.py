"""Threads of BLAS and OpenMP: as many as the CPU quota of the container allows.

These libraries ignore the quota, and more threads than it allows make each prediction slower.
"""

import os
from pathlib import Path

VARIABLES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")


def limit_threads() -> None:
    """Set the thread variables that are not set; before numeric libraries are imported."""
    share = int(available_cpus()) // worker_count()
    for name in VARIABLES:
        os.environ.setdefault(f"{name}_NUM_THREADS", str(max(1, share)))


def worker_count() -> int:
    """WORKERS in upper or lower case, as the settings read it. They refuse what is no number."""
    count = {name.upper(): value for name, value in os.environ.items()}.get("WORKERS", "").strip()
    return max(1, int(count)) if count.isdigit() else 1


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """CPUs that this process may use: by its affinity, or less by the quota of its container."""
    cpus = float(os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        cpus = float(len(os.sched_getaffinity(0)))
    try:
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text().split()  # "max 100000": no quota
        else:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text()  # -1: no quota
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text()
        return min(cpus, int(quota) / int(period)) if int(quota) > 0 else cpus
    except (OSError, ValueError):
        return cpus
