"""An environment with what keeps models elsewhere: MLflow, DVC, a stand-in for S3; and with this tool."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scaffold.base.uv import uv_command, uv_environment

ROOT = Path(__file__).parents[1]
_PACKAGES = ["mlflow>=3.1", "scikit-learn", "dvc", "s3fs", "moto[server]", "--editable", f"{ROOT}[all]"]


def registries_python(factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment, made once in a test run; or the one in `$SCAFFOLD_TEST_REGISTRIES`."""
    given = os.environ.get("SCAFFOLD_TEST_REGISTRIES")
    return Path(given) if given else environment_python(factory, "registries", _PACKAGES)


def environment_python(factory: pytest.TempPathFactory, name: str, packages: Sequence[str]) -> Path:
    """The Python of an environment with these packages, made once in a test run."""
    shared = factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / name
    python, complete = folder / "bin" / "python", folder / "complete"
    with folder.with_suffix(".lock").open("w") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        if not complete.exists():
            make = [uv_command(), "venv", "-q", "--clear", "--python", sys.executable, str(folder)]
            subprocess.run(make, check=True, env=uv_environment())
            install = [uv_command(), "pip", "install", "-q", "--python", str(python), *packages]
            subprocess.run(install, check=True, env=uv_environment())
            complete.touch()
    return python
