"""The script and the lines of docs/store.md are run in the order in which they stand there."""

from __future__ import annotations

import json
import os
import pickle
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.store import Entry, open_store
from tests.store.test_store import RUNNING

DOCUMENT = (Path(__file__).parents[2] / "docs" / "store.md").read_text()
PASSENGERS = pd.DataFrame(
    {
        "Name": [f"Passenger {number}" for number in range(30)],
        "Pclass": [1, 2, 3] * 10,
        "Age": [float(20 + number) for number in range(29)] + [None],
        "Fare": [7.25 + 3 * (number % 7) for number in range(30)],
        "Survived": [0, 1, 0, 1, 1] * 6,
    }
)
OWN_CLASS = """
import scaffold

class Shifted:
    def __init__(self, by):
        self.by = by
    def predict(self, rows):
        return [row + self.by for row in rows]

scaffold.register(Shifted(2.0), "shifted", input=[1.0, 2.5, 4.0], output=[3.0, 4.5, 6.0])
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_script(text: str) -> None:
    Path("train.py").write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(Path(scaffold.__file__).parents[1])}
    subprocess.run([sys.executable, "train.py"], check=True, env=environ)


def test_the_script_registers_and_the_lines_are_typed(folder: Path) -> None:
    PASSENGERS.to_csv("train.csv", index=False)
    run_script(re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0])
    [entry] = scaffold.models("titanic")
    assert (entry.version, entry.aliases, entry.run.params) == ("1", ("staging",), {"C": 0.5})
    assert entry.run.data["rows"] == 30
    assert "Passenger" not in json.dumps(dict(entry.run.data))

    X = PASSENGERS[["Pclass", "Age", "Fare"]].fillna(0.0)
    X.head(20).to_csv("sample.csv", index=False)
    Path("model.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(X, PASSENGERS["Survived"])))
    open_store().record_deployment(Entry(action="deploy", deployment=RUNNING))
    lines = re.findall(r"^    (scaffold .*)$", DOCUMENT, re.MULTILINE)
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line)[1:]
        proofless = ["--no-verify"] if words[0] == "new" else []  # the proof is another test's
        done = CliRunner().invoke(app, [*words, *proofless], catch_exceptions=False)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        assert done.output.strip(), line
    card = (folder / "titanic-service/model/README.md").read_text()
    assert "auc=0.83" in card
    aliases = {alias: each.version for each in scaffold.models("titanic") for alias in each.aliases}
    assert aliases == {"staging": "1.2.0", "production": "1.2.0"}


def test_a_class_of_a_script_comes_out_of_the_store_by_value() -> None:
    run_script(OWN_CLASS)
    Path("train.py").unlink()
    found = scaffold.inspect("store:shifted")
    assert found.signature.call.method == "predict"
    assert found.origin.uri == "store:shifted"
