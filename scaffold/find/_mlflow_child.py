"""MLflow's own client in a process of its own, for stores without a server: `sqlite:///mlflow.db`, a folder.

This process imports no mlflow, and the other one loads no model: it copies files.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_list, one_line
from scaffold.base.nearest import nearest
from scaffold.base.process import Runner, run_command
from scaffold.base.urls import without_credentials
from scaffold.errors import CommandError, ModelNotFetchedError

_TIMEOUT_S = 600
_DEFAULTS = ("mlruns", "mlflow.db")
"""Where MLflow keeps models in the current folder unless told otherwise."""
_PROGRAM = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import json, re
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

task, written, folder = sys.argv[1:4]
client = MlflowClient()

def absent(what, wanted, known):
    # The caller names the nearest.
    print("\\n" + json.dumps({"absent": what, "wanted": wanted, "known": known}))
    sys.exit(0)

def registered(name):
    try:
        return client.get_registered_model(name)
    except Exception:
        absent("model", name, [each.name for each in client.search_registered_models(max_results=200)])

name, _, last = written.partition(":")[2].strip("/").rpartition("/")
alias = written.rpartition("@")[2] if "@" in written else ""
version = None
if written.startswith("models:") and not re.fullmatch(r"models:/+m-[0-9a-f]+", written):
    if alias:
        name = (f"{name}/{last}" if name else last).rpartition("@")[0]
        model = registered(name)
        if alias not in model.aliases:
            absent("alias", alias, sorted(model.aliases))
        version = client.get_model_version_by_alias(name, alias)
    elif task == "fetch" and last != "latest":
        name, last = (name, last) if name else (last, "")  # a name without a version
        registered(name)
        numbers = [str(each.version) for each in client.search_model_versions(f"name='{name}'")]
        if last not in numbers:
            absent("version", last, numbers)
        version = client.get_model_version(name, last)
    else:
        registered(name)
        known = client.search_model_versions(f"name='{name}'")
        version = max(known, key=lambda each: int(each.version), default=None)
run = version.run_id if version else ""
if written.startswith("runs:"):
    run = written.partition(":")[2].strip("/").partition("/")[0]
if task == "fetch":
    download_artifacts(artifact_uri=written, dst_path=folder)
data = client.get_run(run).data if run else None
print("\\n" + json.dumps({
    "version": str(version.version) if version else "",
    "run": run or "",
    "params": sorted(data.params.items()) if data else [],
    "metrics": sorted((key, str(value)) for key, value in data.metrics.items()) if data else [],
    "tags": sorted(data.tags.items()) if data else [],
}))
"""


def ask_mlflow(
    task: str, written: str, folder: Path, tracking_uri: str = "", run: Runner = run_command
) -> dict[str, Any]:
    """Return what MLflow says of a model: `version`, `run`, `params`, `metrics` and `tags`.

    Args:
        task: `fetch` to copy its files into `folder` too, `newest` to ask for the newest version.
        written: The URI of the model.
        folder: An empty folder.
        tracking_uri: Where MLflow keeps it; what MLflow itself finds when empty.
        run: Runs the process.

    Raises:
        ModelNotFetchedError: mlflow is not installed, or does not give the model.
    """
    if importlib.util.find_spec("mlflow") is None:
        hint = "export MLFLOW_TRACKING_URI=https://...  # for another store: pip install mlflow"
        cause = "MLFLOW_TRACKING_URI names no server, and mlflow is not installed"
        raise ModelNotFetchedError(written, cause, hint)
    _require_database(written, tracking_uri)
    command = [sys.executable, "-c", _PROGRAM, task, written, str(folder)]
    variables = {**os.environ, **({"MLFLOW_TRACKING_URI": tracking_uri} if tracking_uri else {})}
    try:
        answer = json.loads(run(command, env=variables, timeout_s=_TIMEOUT_S).stdout.strip().splitlines()[-1])
    except CommandError as error:
        lines = error.tail.strip().splitlines() or ["mlflow ended without a message"]
        line = next((each for each in reversed(lines) if "Exception: " in each), lines[-1])
        cause = without_credentials(line).rpartition("Exception: ")[2].rstrip(".")
        raise ModelNotFetchedError(written, cause, "") from error
    except (ValueError, IndexError) as error:
        raise ModelNotFetchedError(written, "mlflow gives no answer", "") from error
    if not isinstance(answer, dict):
        return {}
    if "absent" in answer:
        raise ModelNotFetchedError(written, _absent(answer), "")
    return answer


def _require_database(written: str, uri: str) -> None:
    """Raise ModelNotFetchedError where nothing is: MLflow would make a database there."""
    hint = "export MLFLOW_TRACKING_URI=https://...  # or sqlite:////FOLDER/mlflow.db"
    path = uri.removeprefix("sqlite:///")
    if path != uri and not Path(path).is_file():
        cause = f"MLFLOW_TRACKING_URI names the database {path}, which does not exist"
        raise ModelNotFetchedError(written, cause, hint)
    if not uri and not any(Path(name).exists() for name in _DEFAULTS):
        cause = "MLFLOW_TRACKING_URI is not set, and the current folder has no store of MLflow"
        raise ModelNotFetchedError(written, cause, hint)


def _absent(answer: dict[str, Any]) -> str:
    """What MLflow does not have, with the nearest that it has."""
    wanted, known = str(answer.get("wanted")), [one_line(str(each)) for each in as_list(answer.get("known"))]
    shown = nearest(wanted, known)
    suggestion = f"; nearest: {', '.join(shown)}" if shown else "; it has none"
    return f"MLflow has no {answer.get('absent')} '{one_line(wanted)}'{suggestion}"
