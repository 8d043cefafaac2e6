"""One environment for each tool: what its own documentation says to install, in the newest versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.serving._places import ENVIRONMENTS, ROOT, SERVICES, python

PACKAGES = {
    # Trains the models, generates our services and draws the plots.
    "lab": ["scikit-learn", "pandas", "joblib", "matplotlib"],
    "fastapi": ["fastapi", "uvicorn[standard]", "scikit-learn", "pandas"],
    "starlette": ["starlette", "msgspec", "uvicorn[standard]", "scikit-learn", "pandas"],
    "bentoml": ["bentoml", "scikit-learn", "pandas"],
    "litserve": ["litserve", "scikit-learn", "pandas"],
    # The default of one parallel worker dies with newer uvloop; without it there is no such bound.
    "mlserver": ["mlserver", "mlserver-sklearn", "pandas"],
    "mlflow": ["mlflow"],
    "ray": ["ray[serve]", "scikit-learn", "pandas"],
    "vetiver": ["vetiver"],
    "schemathesis": ["schemathesis"],
}


def ensure_environment(name: str) -> None:
    """Make the environment `name` if it is not there; `ours` gets exactly what our generated lock says."""
    if (ENVIRONMENTS / name / "made").exists():
        return
    print(f"making the environment {name}", flush=True)
    uv = _uv()
    subprocess.run(
        [*uv, "venv", "-q", "--clear", "--python", sys.executable, ENVIRONMENTS / name], check=True
    )
    wanted = ["-r", str(SERVICES / "A" / "requirements.txt")] if name == "ours" else PACKAGES[name]
    install = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", python(name)]
    subprocess.run([*install, *wanted], check=True)
    if name == "lab":
        subprocess.run([*install, "--editable", str(ROOT)], check=True)
    (ENVIRONMENTS / name / "made").touch()


def _uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    return [found] if found else [sys.executable, "-m", "uv"]
