"""The built wheel, alone in a clean environment, contains its templates and writes a project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.base.uv import uv_command, uv_environment

ROOT = Path(__file__).parents[1]
MODEL = """
import cloudpickle, json

def price(order: dict) -> dict:
    return {"total": order["quantity"] * order["price"]}

orders = [{"quantity": 2, "price": 1.5}, {"quantity": 1, "price": 4.0}]
with open("model.pkl", "wb") as file:
    cloudpickle.dump(price, file)
with open("orders.json", "w") as file:
    json.dump(orders, file)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    uv, env = uv_command(), uv_environment()
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], env=env, check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "env"], env=env, check=True)
    python = folder / "env/bin/python"
    install = [
        str(uv),
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--constraint",
        str(ROOT / "tests/constraints.txt"),
    ]
    subprocess.run([*install, wheel], env=env, check=True)
    return python.parent


def test_the_wheel_writes_and_proves_a_project_from_a_clean_environment(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "make.py").write_text(MODEL)
    subprocess.run([environment / "python", "make.py"], cwd=tmp_path, check=True)
    command = ["new", "model.pkl", "--input", "orders.json", "shop", "--json"]
    done = subprocess.run([environment / "scaffold", *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert {"app/main.py", "app/schemas.py", "Dockerfile", "requirements.txt"} <= set(written["files"])
    assert all(check["outcome"] == "passed" for check in written["verification"]["checks"])


def test_the_base_install_is_small_and_pure(environment: Path) -> None:
    listed = subprocess.run(
        [uv_command(), "pip", "list", "--format", "json", "--python", environment / "python"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line["name"] for line in json.loads(listed.stdout)}
    assert not names & {"numpy", "pandas", "docker", "kubernetes", "sqlalchemy", "boto3", "fastapi"}
    assert len(names) < 45, sorted(names)
