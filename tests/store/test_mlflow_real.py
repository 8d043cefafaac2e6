"""`register` over a real MLflow, a server and a database: MLflow and this tool read the same model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.find.test_mlflow_server import wait_for
from tests.registries import registries_python

SCRIPT = Path(__file__).with_name("in_mlflow.py")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MLflow and this tool."""
    return registries_python(tmp_path_factory)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the database, which MLflow makes once for all tests."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(params=["database", "server"])
def uri(request: pytest.FixtureRequest, python: Path, folder: Path) -> Iterator[str]:
    """A tracking URI of MLflow."""
    database = f"sqlite:///{folder}/mlflow.db"
    if request.param == "database":
        yield database
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = [str(python), "-m", "mlflow", "server", "--backend-store-uri", database]
    serve += ["--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(serve, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 9)
        server.wait(30)


@pytest.mark.slow
def test_both_sides_read_what_is_registered(uri: str, python: Path, folder: Path) -> None:
    name = "of-a-server" if uri.startswith("http") else "of-a-database"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment["SCAFFOLD_STORE"] = f"mlflow+{uri}"
    command = [str(python), str(SCRIPT), name]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["versions"] == ["2", "1"]
    assert found["aliases"] == [["production"], ["staging"]]
    assert found["best"] == [0.9, 0.8]
    assert found["requirements"]
    assert found["declared"] == [["age", "double", False], ["calls", "long", True], ["plan", "string", True]]
    assert found["example"] == {"age": None, "calls": 2, "plan": "a"}
    assert found["deployed"] == ["deploy", name, 3]

    assert found["mlflow"] == {
        "predictions": [0, 1, 0, 1],
        "class": "Pipeline",
        "inputs": ["age", "calls", "plan"],
        "params": {"C": "1.0", "weights": '{"a": 1}'},
        "metrics": {"auc": 0.8},
        "tags": ["mlflow.user", "python", "training_data.rows", "training_data.sha256"],
        "files": ["confusion_matrix.json", "training_data.json"],
        "ended": ["FINISHED", "RUNNING"],
        "same_run": True,
    }
