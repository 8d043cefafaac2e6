"""`--trust` allows names and distributions, and the suggested command allows what was refused."""

from __future__ import annotations

import json
import pickle
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scaffold.errors import NeverTrustedError, UntrustedCodeError
from scaffold.read import read_artifact
from scaffold.read.gate._definitions import Finder
from scaffold.read.gate._trust import NEVER_TRUSTED, Trust, trust_advice

PARTS = """
import os
from os import system
from subprocess import Popen as Start

def twice(value):
    return 2 * value

def triple(value):
    return 3 * value
"""
MODEL = """
from oddments import parts

class Doubler:
    def __init__(self, functions):
        self.functions = functions

    def predict(self, numbers):
        return [self.functions[0](number) for number in numbers]
"""
MAKE = """
import json, pathlib, pickle
from oddments import model, parts
pathlib.Path("model.pkl").write_bytes(pickle.dumps(model.Doubler([parts.twice, parts.triple])))
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the distribution `odd-ments` with the package `oddments` is installed."""
    site = tmp_path / "site-packages"
    package = site / "oddments"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "parts.py").write_text(PARTS)
    (package / "model.py").write_text(MODEL)
    metadata = site / "odd_ments-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-ments\nVersion: 1.0\n")
    (metadata / "top_level.txt").write_text("oddments\n")
    (metadata / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    with zipfile.ZipFile(tmp_path / "odd_ments-1.0-py3-none-any.whl", "w") as wheel:
        for path in (path for path in site.rglob("*") if path.is_file()):
            wheel.write(path, path.relative_to(site))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )


def advised(message: str) -> list[str]:
    """The options of the line that a refusal prints."""
    line = next(line for line in message.splitlines() if "scaffold new ..." in line)
    return shlex.split(line.partition("scaffold new ...")[2])


def test_all_names_are_listed_at_once_and_the_printed_options_open_them(
    tmp_path: Path, installed: Path
) -> None:
    assert run(tmp_path, "-c", MAKE).returncode == 0
    (tmp_path / "X.json").write_text(json.dumps([1, 2, 3]))
    inspect = ["-m", "scaffold", "inspect", "model.pkl", "--input", "X.json"]
    refused = run(tmp_path, *inspect)
    text = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert all(
        f"oddments.{name} at byte" in text for name in ("model.Doubler", "parts.twice", "parts.triple")
    )
    assert advised(text) == ["--trust", "odd-ments"]
    accepted = run(tmp_path, *inspect, *advised(text))
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr


def named(*names: str) -> bytes:
    """Return a pickle that names each of these and returns the last."""
    return b"0".join(b"c" + name.replace(":", "\n").encode() + b"\n" for name in names) + b"."


def refusal(path: Path, *trusted: str) -> UntrustedCodeError:
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(path, trusted=trusted)
    return caught.value


def test_options_that_were_given_stay_in_the_suggested_command(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(named("posix:system", "subprocess:Popen", "shutil:rmtree"))
    error = refusal(path, "posix.system")
    assert advised(str(error)) == [
        "--trust", "posix.system", "--trust", "subprocess.Popen", "--trust", "shutil.rmtree",
    ]  # fmt: skip
    assert read_artifact(path, trusted=error.trust).globals


def test_more_than_ten_names_are_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    names = [
        f"os:{name}"
        for name in [
            "remove",
            "rename",
            "rmdir",
            "mkdir",
            "kill",
            "fork",
            "abort",
            "link",
            "chmod",
            "chown",
            "dup",
            "close",
        ]
    ]
    path.write_bytes(named(*names))
    error = refusal(path)
    assert [line.split()[0] for line in str(error).splitlines() if line.startswith("  ")] == [
        name.replace(":", ".") for name in names
    ]
    assert read_artifact(path, trusted=error.trust).globals


@pytest.mark.parametrize(
    "wide", ["builtins.eval", "builtins.exec", "builtins.getattr", "importlib.import_module"]
)
def test_a_name_that_can_run_anything_is_said_first_and_never_advised(tmp_path: Path, wide: str) -> None:
    path = tmp_path / "model.pkl"
    body = named("posix:system")[:-1] + b"0" + b"c" + wide.rpartition(".")[0].encode() + b"\n"
    path.write_bytes(body + wide.rpartition(".")[2].encode() + b"\n(tR.")
    error = refusal(path)
    second = str(error).splitlines()[1]
    assert second == f"No --trust opens {wide}."
    assert "scaffold new ... --trust" not in str(error)
    with pytest.raises(NeverTrustedError, match="is not possible"):
        read_artifact(path, trusted=[wide])


def test_no_name_that_can_run_anything_is_trusted_by_any_token() -> None:
    finder = Finder(sys.path)
    for name in NEVER_TRUSTED:
        assert not Trust([name.partition(".")[0]], finder).opens(name)
        assert trust_advice([name], (), finder).never == (name,)


@pytest.mark.parametrize(
    "name",
    ["parts.os.system", "parts.system", "parts.Start", "parts.__builtins__", "parts.twice.__globals__"],
)
def test_a_trusted_distribution_opens_only_names_of_its_own(
    installed: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    trust = Trust(["odd-ments"], Finder(sys.path))
    assert trust.opens("oddments.parts.twice")
    assert not trust.opens(f"oddments.{name}")


def test_a_distribution_is_trusted_under_either_name(tmp_path: Path) -> None:
    import sklearn.utils.estimator_checks as checks

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([checks.check_estimator, checks.parametrize_with_checks]))
    assert refusal(path).trust == ("scikit-learn",)
    for token in ("sklearn", "scikit-learn", "Scikit_Learn"):
        assert read_artifact(path, trusted=[token]).globals
    refusal(path, "scikit-image")
