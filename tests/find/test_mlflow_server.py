"""Models of a real MLflow server, whose libraries are in an environment of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scaffold.base.uv import uv_command, uv_environment
from scaffold.cli._app import app
from scaffold.errors import NotAModelError
from scaffold.find import find_model, find_newer
from scaffold.read import read_artifact
from scaffold.spec import ModelFormat

LIBRARIES = [
    "mlflow>=3.1",
    "scikit-learn",
    "skops",
    "xgboost-cpu",
    "lightgbm",
    "catboost",
    "statsmodels",
    "onnx",
    "onnxruntime",
    "skl2onnx",
    "torch==2.13.0",
]
FORMATS = {
    "skops": ModelFormat.SKOPS,
    "xgboost": ModelFormat.XGBOOST,
    "lightgbm": ModelFormat.SKOPS,
    "catboost": ModelFormat.CATBOOST,
    "statsmodels": ModelFormat.PICKLE,
    "onnx": ModelFormat.ONNX,
    "pytorch": ModelFormat.TORCH,
}
LOG = Path(__file__).parent / "log_models.py"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server with a model of each flavour as version 1; gives the Python of its environment."""
    folder = tmp_path_factory.mktemp("mlflow")
    given = os.environ.get("SCAFFOLD_TEST_MLFLOW")
    python = Path(given) if given else folder / "env" / "bin" / "python"
    if not given:
        make = [uv_command(), "venv", "-q", "--python", sys.executable, str(folder / "env")]
        subprocess.run(make, check=True, env=uv_environment())
        install = [uv_command(), "pip", "install", "-q", "--python", str(python), *LIBRARIES]
        subprocess.run(install, check=True, env=uv_environment())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    serve = [str(python), "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/db.sqlite"]
    serve += ["--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(serve, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"{url}/health")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", url)
            subprocess.run([str(python), str(LOG), *FORMATS, "pt2", "pyfunc"], check=True, cwd=folder)
            yield python
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)


def wait_for(url: str) -> None:
    for _ in range(1000):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise TimeoutError(url)


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, done.output


@pytest.mark.slow
def test_each_flavour_of_a_real_server_is_read_with_its_example(mlflow: Path) -> None:
    for name, layout in FORMATS.items():
        found = find_model(f"models:/{name}@live")
        assert read_artifact(found.path).format is layout, name
        assert found.declared.input is not None, name
        assert found.declared.requirements, name
        assert found.origin is not None
        assert found.origin.version == "1"
        assert dict(found.origin.params) == {"rows": "40"}
        assert find_newer(found.origin) is None


@pytest.mark.slow
def test_what_the_flavour_of_torch_writes_by_default_says_what_to_save(mlflow: Path) -> None:
    with pytest.raises(NotAModelError, match=r"it is a program of torch\.export\.\n.*as TorchScript"):
        read_artifact(find_model("models:/pt2@live").path)


@pytest.mark.slow
def test_a_class_with_artifacts_modules_and_a_configuration_is_served_and_proven(
    mlflow: Path, tmp_path: Path
) -> None:
    """The environment of the tests has no mlflow: that of the model has it."""
    project = tmp_path / "service"
    status, output = typed("new", "models:/pyfunc@live", project)
    assert status == 0, output
    assert "mlflow is not installed here" in output
    assert "10 of 10 answered as the model does" in output
    recorded = json.loads((project / "tests" / "recorded.json").read_text())
    expected = [pytest.approx(request["a"] * 20.0) for request in recorded["requests"]]
    assert [answer["prediction"] for answer in recorded["answers"]] == expected
    assert "mlflow-skinny==" in (project / "requirements.in").read_text()


@pytest.mark.slow
def test_a_project_of_a_real_server_follows_its_alias(mlflow: Path, tmp_path: Path) -> None:
    project = tmp_path / "service"
    status, output = typed("new", "models:/lightgbm@live", project, "--no-verify")
    assert status == 0, output
    assert typed("update", project, "--exit-code")[0] == 3
    subprocess.run([str(mlflow), str(LOG), "lightgbm"], check=True, cwd=tmp_path)
    status, output = typed("update", project, "--exit-code", "--no-verify")
    assert status == 0, output
    assert "version 2" in output
    assert typed("update", project, "--exit-code")[0] == 3
