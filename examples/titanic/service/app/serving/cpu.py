"""Threads of BLAS and OpenMP: as many as the CPU quota of the container allows.

These libraries count the cores of the machine and ignore the quota. With more threads than it
allows, each prediction becomes slower.
"""

import os
from pathlib import Path

VARIABLES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")


def limit_threads() -> None:
    """Set the thread variables that are not set; before numpy and its like are imported."""
    workers = os.environ.get("WORKERS", "1")
    share = int(available_cpus()) // max(1, int(workers) if workers.isdigit() else 1)
    for name in VARIABLES:
        os.environ.setdefault(f"{name}_NUM_THREADS", str(max(1, share)))


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
