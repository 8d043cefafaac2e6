"""A process with MLflow: it answers requests as a server of MLflow does, and logs models.

Run by its path in the environment of the caller. It imports nothing of this package, and loads no model: it
copies files. Each line of its input is a request, each line of its output an answer, both JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_MOST_IN_A_BATCH = 100


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # MLflow prints addresses
    serve = _handler()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = _log_model(request["log"]) if "log" in request else serve(request)
        except Exception as error:  # whatever MLflow, its database or its files raise
            answer = {"status": 500, "body": {"message": str(error) or type(error).__name__}}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _handler() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a handler for requests of the REST API; the first request opens the database."""
    clients: list[Any] = []

    def serve(request: dict[str, Any]) -> dict[str, Any]:
        if not clients:
            stores = importlib.import_module("mlflow.store.tracking")
            handlers = importlib.import_module("mlflow.server.handlers")
            root = Path(stores.DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH).absolute()
            handlers.initialize_backend_stores(os.environ["MLFLOW_TRACKING_URI"], None, str(root))
            clients.append(importlib.import_module("mlflow.server").app.test_client())
        path = "/" + request["path"]
        if "body" in request:
            answer = clients[0].post(path, json=request["body"])
        else:
            answer = clients[0].get(path, query_string=request["query"])
        return {"status": answer.status_code, "body": answer.get_json(silent=True)}

    return serve


def _log_model(job: dict[str, Any]) -> dict[str, Any]:
    """Log a run with a model, and register the model.

    `run_id` is a run that goes on; without it a new run is started and ended.
    """
    mlflow = importlib.import_module("mlflow")
    client = mlflow.MlflowClient()
    run = client.get_run(job["run_id"]) if job["run_id"] else _new_run(client, job)
    run_id = run.info.run_id
    mlflow.set_experiment(experiment_id=run.info.experiment_id)
    try:
        _log_facts(client, run_id, job)
        logged = mlflow.models.Model.log(
            artifact_path=None,
            name="model",
            flavor=_Files(job),
            registered_model_name=job["name"],
            run_id=run_id,
            tags=job["version_tags"],
            validate_serving_input=False,
        )
        version = str(logged.registered_model_version)
        for alias in job["aliases"]:
            client.set_registered_model_alias(job["name"], alias, version)
    except BaseException:
        if not job["run_id"]:
            client.set_terminated(run_id, "FAILED")
        raise
    if not job["run_id"]:
        client.set_terminated(run_id)
    return {"status": 200, "body": {"version": version}}


def _new_run(client: Any, job: dict[str, Any]) -> Any:
    """A run in the experiment of MLflow's variables, else in that of the model's name."""
    number = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if not number:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or job["name"]
        experiment = client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else client.create_experiment(name)
    return client.create_run(number)


def _log_facts(client: Any, run_id: str, job: dict[str, Any]) -> None:
    entities = importlib.import_module("mlflow.entities")
    now = int(time.time() * 1000)
    metrics = [entities.Metric(name, float(value), now, 0) for name, value in job["metrics"].items()]
    params = [entities.Param(name, value) for name, value in job["params"].items()]
    tags = [entities.RunTag(name, value) for name, value in job["tags"].items()]
    for name, facts in (("params", params), ("metrics", metrics), ("tags", tags)):
        for some in _batches(facts):
            client.log_batch(run_id, **{name: some})
    for name, content in job["documents"].items():
        client.log_dict(run_id, content, name)


def _batches(facts: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(facts), _MOST_IN_A_BATCH):
        yield facts[start : start + _MOST_IN_A_BATCH]


class _Files:
    """A flavour of MLflow that writes a model's folder around a file, as MLflow's own flavours do."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job

    def save_model(self, path: str, mlflow_model: Any, **_: Any) -> None:
        """Write the folder: the file, `MLmodel`, the requirements, and the input example."""
        mlflow, job, folder = importlib.import_module("mlflow"), self._job, Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job["file"], folder / job["file_name"])
        if job["signature"]:
            mlflow_model.signature = mlflow.models.ModelSignature.from_dict(job["signature"])
        if job["example"]:
            (folder / "input_example.json").write_text(json.dumps(job["example"]), encoding="utf-8")
            mlflow_model.saved_input_example_info = {
                "artifact_path": "input_example.json",
                **job["example_info"],
            }
        for name, options in job["flavors"].items():
            mlflow_model.add_flavor(name, **options)
        if job["loader"]:
            environment = {"python_env": "python_env.yaml"}
            mlflow.pyfunc.add_to_model(mlflow_model, **job["loader"], **environment)
        lines = [f"mlflow=={mlflow.__version__}", *job["requirements"]]
        (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "python_env.yaml").write_text(
            f"python: {job['python']}\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n",
            encoding="utf-8",
        )
        mlflow_model.save(str(folder / "MLmodel"))


if __name__ == "__main__":
    main()
