"""Where the benchmark keeps what it makes: outside of the checkout."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORK = Path(os.environ.get("BENCH_HOME", Path(tempfile.gettempdir()) / "scaffold-bench"))
ENVIRONMENTS = WORK / "environments"
MODELS = WORK / "models"
SERVICES = WORK / "services"
LOGS = WORK / "logs"

SERVER_CORE = os.environ.get("BENCH_SERVER_CORE", "0")
LOAD_CORE = os.environ.get("BENCH_LOAD_CORE", "1")


def python(environment: str) -> str:
    """The interpreter of one of the benchmark's environments."""
    return str(ENVIRONMENTS / environment / "bin" / "python")
