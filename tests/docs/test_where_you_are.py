"""The README's section "From where you are", typed line for line."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scaffold
from tests.find.test_mlflow_server import wait_for
from tests.pipelines._rendered import FILES
from tests.registries import registries_python

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## From where you are\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
TRAIN = """
import pickle, sys
import pandas as pd
from sklearn.linear_model import LogisticRegression

X = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0] * 8, "calls": [1, 5, 2, 8] * 8})
model = LogisticRegression(C=float(open("C").read())).fit(X, [0, 1, 0, 1] * 8)
X.head(20).to_csv("sample.csv", index=False)
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
"""


def block(named: str) -> str:
    """The block of commands that has a word, without the proof, which has tests of its own."""
    [text] = [text for language, text in BLOCKS if named in text and not language]
    return re.sub(r"scaffold (new|update)\b", r"scaffold \1 --no-verify", text)


def test_each_place_has_four_lines_at_most() -> None:
    assert len(BLOCKS) == 9
    assert all(len(text.splitlines()) <= 4 for _, text in BLOCKS)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return registries_python(tmp_path_factory)


@pytest.fixture
def environ(python: Path) -> dict[str, str]:
    """The environment variables of the lines: the programs of `python`, no variables of MLflow."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("MLFLOW_", "SCAFFOLD_"))}
    return {**kept, "PATH": f"{python.parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}


def typed(text: str, folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", text], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def trained(folder: Path, environ: dict[str, str], weight: str = "1.0") -> None:
    (folder / "train.py").write_text(TRAIN)
    (folder / "C").write_text(weight)
    typed("python train.py", folder, environ)


@pytest.mark.slow
def test_from_mlflow_and_a_notebook(tmp_path: Path, environ: dict[str, str]) -> None:
    """The second line of the notebook registers in MLflow what the lines of MLflow find."""
    [notebook] = [text for language, text in BLOCKS if language == "python"]
    notebook = notebook.replace('"titanic-service")', '"of-a-notebook", verify=False)')
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "notebook.py").write_text(TRAIN.replace("X =", "X_train = X =") + notebook)
    (tmp_path / "C").write_text("1.0")
    typed("python notebook.py", tmp_path, {**environ, "SCAFFOLD_STORE": f"mlflow+{uri}"})
    assert (tmp_path / "of-a-notebook/app/score.py").is_file()
    lines = block("mlflow.example").replace("https://mlflow.example", uri)
    assert "nothing new at models:/titanic@champion" in typed(lines, tmp_path, environ)
    assert "auc" in (tmp_path / "titanic-service/model/README.md").read_text()


@pytest.mark.slow
def test_from_dvc(tmp_path: Path, environ: dict[str, str]) -> None:
    trained(tmp_path, environ)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    stage = "cmd: python train.py, deps: [train.py, C], outs: [model.pkl, sample.csv]"
    (tmp_path / "dvc.yaml").write_text(f"stages: {{train: {{{stage}}}}}")
    typed("git init -q . && dvc repro -q", tmp_path, environ)
    new, *again = block("dvc repro").splitlines()
    typed(new, tmp_path, environ)
    first = (tmp_path / "titanic-service/model/model.pkl").read_bytes()
    (tmp_path / "C").write_text("0.1")
    typed("\n".join(again), tmp_path, environ)
    second = tmp_path / "titanic-service/model/model.pkl"
    assert pickle.loads(second.read_bytes()).C == 0.1
    assert first != second.read_bytes()
    md5 = hashlib.md5(second.read_bytes(), usedforsecurity=False).hexdigest()
    assert f"| source's version | `{md5}` |" in (tmp_path / "titanic-service/model/README.md").read_text()


@pytest.fixture
def s3(python: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A stand-in for S3, with an empty bucket; gives the variables that name it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "moto.log").open("wb") as log:
        server = subprocess.Popen(
            [str(python.with_name("moto_server")), "-p", str(port)], stdout=log, stderr=log
        )
    try:
        wait_for(f"{url}/moto-api/")
        login = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        yield {**login, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
def test_from_s3(tmp_path: Path, environ: dict[str, str], s3: dict[str, str]) -> None:
    environ |= s3
    trained(tmp_path, environ)
    put = "import fsspec; s3 = fsspec.filesystem('s3'); {}s3.put('model.pkl', 'team/titanic/model.pkl')"
    typed(
        f'python -c "{put.format("s3.mkdir(chr(116) + chr(101) + chr(97) + chr(109)); ")}"', tmp_path, environ
    )
    install, *lines = block("s3://").splitlines()
    assert install == "pip install s3fs"  # which the environment has
    assert "nothing new" in typed("\n".join(lines), tmp_path, environ)
    trained(tmp_path, environ, "0.1")
    typed(f'python -c "{put.format("")}"', tmp_path, environ)
    typed(lines[-1], tmp_path, environ)
    assert pickle.loads((tmp_path / "titanic-service/model/model.pkl").read_bytes()).C == 0.1


@pytest.mark.slow
@pytest.mark.parametrize("system", FILES)
def test_a_pipeline_is_pushed(system: str, tmp_path: Path) -> None:
    """The lines of git and of this tool are typed; the programs of GitHub, Azure and GitLab take notes."""
    shutil.copytree(Path(__file__).parents[2] / "examples/titanic/service", tmp_path / "titanic-service")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("gh", "az", "glab"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/notes"\n')
        (programs / name).chmod(0o755)
    who = "-c user.name=Ada -c user.email=ada@example.org"
    environ = {**os.environ, "PYTHONPATH": str(Path(scaffold.__file__).parents[1])}
    environ["PATH"] = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    typed("git init -q --bare origin.git", tmp_path, environ)
    begin = f"git init -q -b main . && git remote add origin {tmp_path}/origin.git && git add --all"
    typed(f"{begin} && git {who} commit -q -m service", tmp_path / "titanic-service", environ)
    environ |= {
        f"GIT_{role}_{part}": "ada@b.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    typed(block(f"ci={system}"), tmp_path, environ)
    pushed = typed("git ls-tree -r --name-only main", tmp_path / "origin.git", environ).splitlines()
    assert FILES[system] in pushed
    noted = (tmp_path / "notes").read_text() if (tmp_path / "notes").exists() else ""
    for line in block(f"ci={system}").splitlines():
        if line.split()[0] in ("gh", "az", "glab"):
            assert noted.strip() == line
