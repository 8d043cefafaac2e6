"""Each line of `requirements.in` is needed: without any one of them the proof fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import scaffold
from scaffold.base.process import run_command
from scaffold.base.uv import uv_command, uv_environment
from scaffold.errors import VerificationError
from scaffold.proof import verify_project


def frame() -> pd.DataFrame:
    rows = np.random.default_rng(0).normal(size=(40, 2))
    return pd.DataFrame(rows, columns=["size", "rooms per floor"]).assign(town=["a", "b"] * 20)


def sklearn_array() -> tuple[Any, Any]:
    from sklearn.linear_model import Ridge

    rows = frame()[["size", "rooms per floor"]].to_numpy()
    return Ridge().fit(rows, rows.sum(axis=1)), rows[:5]


def sklearn_frame() -> tuple[Any, Any]:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = frame()
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    return make_pipeline(encoder, LogisticRegression()).fit(rows, rows["size"] > 0), rows.head()


def lightgbm_frame() -> tuple[Any, Any]:
    from lightgbm import LGBMRegressor

    rows = frame().astype({"town": "category"})
    return LGBMRegressor(n_estimators=3, verbose=-1).fit(rows, rows["size"]), rows.head()


def statsmodels_formula() -> tuple[Any, Any]:
    import statsmodels.formula.api as smf

    rows = frame().rename(columns={"rooms per floor": "rooms"})
    return smf.ols("size ~ rooms + town", rows).fit(), rows.head()[["rooms", "town"]]


MODELS: list[Callable[[], tuple[Any, Any]]] = [
    sklearn_array,
    sklearn_frame,
    lightgbm_frame,
    statsmodels_formula,
]


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_without_any_one_line_the_proof_fails(make: Callable[[], tuple[Any, Any]], tmp_path: Path) -> None:
    model, sample = make()
    root = tmp_path / "service"
    project = scaffold.new(model, sample, model.predict(sample), root)
    assert project.verification is not None
    assert project.verification.passed
    assert project.verification.code_sha256 == project.code_sha256
    requirements, lock = (root / "requirements.in").read_text(), (root / "requirements.txt").read_text()
    lines = re.findall(r"(?m)^\w.*$", requirements)
    assert len(lines) >= 4
    for line in lines:
        relock(root, requirements.replace(line, ""), lock)
        with pytest.raises(VerificationError):
            verify_project(root, python=project.spec.dependencies.python)
            pytest.fail(f"the service does without {line}")


def relock(root: Path, requirements: str, lock: str) -> None:
    """Write the lock of `requirements`, in the versions of `lock`."""
    (root / "requirements.in").write_text(requirements)
    (root / "constraints.txt").write_text(lock)
    command = [uv_command(), "pip", "compile", "--quiet", "--generate-hashes", "requirements.in"]
    command += ["--constraint", "constraints.txt", "--output-file", "requirements.txt"]
    (root / "requirements.txt").unlink()
    run_command(command, cwd=root, env=uv_environment())
