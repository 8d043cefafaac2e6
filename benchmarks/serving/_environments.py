"""What must be there first: an environment for each tool, the models, and our services for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.serving._places import ENVIRONMENTS, HERE, MODELS, ROOT, SERVICES, python

# What each tool's own documentation says to install, in the newest versions.
PACKAGES = {
    # Trains the models, generates our services and draws the plots.
    "lab": ["scikit-learn", "pandas", "joblib", "matplotlib", "pillow", "--editable", str(ROOT)],
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


def ensure_environment(name: str, lock: Path | None = None) -> None:
    """Make the environment `name`, of a lock or of `PACKAGES`, if it is not there as it should be."""
    wanted = ["-r", str(lock)] if lock else PACKAGES[name]
    made = ENVIRONMENTS / name / "made"
    state = lock.read_text() if lock else " ".join(wanted)
    if made.exists() and made.read_text() == state:
        return
    print(f"making the environment {name}", flush=True)
    uv = _uv()
    folder = ENVIRONMENTS / name
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    install = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", python(name)]
    subprocess.run([*install, *wanted], check=True)
    made.write_text(state)


def ensure_load_generator() -> None:
    """Install wrk, from Debian, if it is not there."""
    if not shutil.which("wrk"):
        for command in (["update", "-qq"], ["install", "-qq", "-y", "wrk"]):
            subprocess.run(["apt-get", *command], check=False)
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"The benchmark needs {tool}: apt-get install wrk util-linux")


# Forms of our service, by the start of the name of their folder.
FORMS = {
    "": ["--no-verify"],
    "plain-": ["--profile", "plain", "--no-verify"],
    "compiled-": ["--accelerate", "auto", "--answer", "slim=true"],  # needs its proof
}


def ensure_services(
    model: str, prefix: str = "", answers: Sequence[str] = (), forms: Sequence[str] = tuple(FORMS)
) -> None:
    """Generate our service for `model` in each of `forms`, anew: it is what is measured.

    Its folder is named after the form and the model, behind `prefix`.
    """
    ensure_environment("lab")
    train = HERE / "train.py"
    if not (MODELS / "G.pkl").exists() or (MODELS / "G.pkl").stat().st_mtime < train.stat().st_mtime:
        passengers = ROOT / "examples" / "titanic" / "titanic.csv"
        subprocess.run([python("lab"), train, passengers, MODELS], check=True)
    files = [f"{MODELS / model}.pkl", "--input", f"{MODELS / model}-input.pkl"]
    files += ["--output", f"{MODELS / model}-output.pkl", "--name", "scored"]
    files += [part for answer in answers for part in ("--answer", answer)]
    for form in forms:
        name = f"{form}{model}"
        folder = SERVICES / f"{prefix}{name}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [python("lab"), "-m", "scaffold", "new", *files, *FORMS[form], str(folder)]
        ended = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
        if ended.returncode:
            sys.exit(f"no service for model {model}:\n{ended.stdout}{ended.stderr}")
        ensure_environment(f"ours-{name}", folder / "requirements.txt")


def version(environment: str, distribution: str) -> str:
    """The version that was measured."""
    asked = f"from importlib.metadata import version; print(version({distribution!r}))"
    ended = subprocess.run([python(environment), "-c", asked], capture_output=True, text=True)
    return ended.stdout.strip()


def _uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    return [found] if found else [sys.executable, "-m", "uv"]
