"""Generated code is formatted, linted, typed and reproducible, and does not import scaffold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from scaffold.introspect import infer_signature
from scaffold.render._source import render_source

FRAME = pd.DataFrame(
    {
        "Pclass": [1, 2, 3, 3],
        "Sex": pd.Series(["male", "female", None, "male"], dtype="str"),
        "Age": [22.0, None, 30.5, 4.0],
        "a column with quite a long name, as those of questionnaires are (in per cent)": [
            True,
            False,
            True,
            False,
        ],
        "boarded": pd.to_datetime(["1912-04-10"] * 4).tz_localize("Europe/London"),
        "deck": pd.Categorical(
            ["a", "b", "a", "b"], categories=[f"deck {i}" for i in range(20)] + ["a", "b"]
        ),
        "grade": pd.Categorical([1, 2, 1, 2], ordered=True),
    }
)
NESTED = {
    "customer": {"id": 17, "address": {"zip code": "0150", "lines": ["a", "b"]}},
    "items": [
        {"sku": "A-1", "price": np.float32(9.5), "discount": None},
        {"sku": "B-7", "price": np.float32(1)},
    ],
    "embedding": np.zeros((4, 8), "float32"),
    "image": Image.new("RGB", (2, 2)),
    "file": b"abc",
}


class Batch:
    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def explain(record: dict[str, Any]) -> dict[str, Any]:
    return {"score": np.float64(1), "parts": [{"name": "a", "weight": 0.5}], "class": None}


CASES: dict[str, tuple[Any, Any]] = {
    "frame": (Batch(), FRAME),
    "array": (Batch(), np.ones((3, 8, 8), "float32")),
    "wide": (Batch(), pd.DataFrame(np.ones((3, 300)), columns=[f"sensor {i}" for i in range(300)])),
    "polars": (Batch(), pl.DataFrame({"a": [1, 2], "tags": [["x"], []]})),
    "texts": (Batch(), ["a", "b"]),
    "nested": (explain, NESTED),
}


@pytest.fixture(params=CASES)
def sources(request: pytest.FixtureRequest) -> dict[str, str]:
    model, sample = CASES[request.param]
    return render_source(infer_signature(model, sample).signature)


def ruff(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "--isolated", "--line-length=100", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def written(sources: dict[str, str], folder: Path) -> Path:
    (folder / "app").mkdir()
    (folder / "app/__init__.py").write_text("")
    for path, text in sources.items():
        (folder / path).write_text(text)
    return folder


def test_the_rendered_code_is_formatted_and_lints_clean(sources: dict[str, str], tmp_path: Path) -> None:
    written(sources, tmp_path)
    assert ruff(tmp_path, "format", "--diff") == ""
    assert ruff(tmp_path, "check", "--select=E,F,I,UP,B,SIM,RUF,C4,PIE", "--ignore=E501,RUF001,RUF002") == ""


def test_the_rendered_code_does_not_import_scaffold(sources: dict[str, str]) -> None:
    assert not any("scaffold" in text for text in sources.values())


def test_rendering_twice_gives_the_same_bytes(
    sources: dict[str, str], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["sources"]
    model, sample = CASES[name]
    assert render_source(infer_signature(model, sample).signature) == sources


@pytest.mark.parametrize("name", ["frame", "nested"])
def test_the_rendered_code_type_checks_strictly(name: str, tmp_path: Path) -> None:
    model, sample = CASES[name]
    written(render_source(infer_signature(model, sample).signature), tmp_path)
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "-p", "app"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_column_becomes_an_array_of_its_own_dtype() -> None:
    text = render_source(infer_signature(Batch(), FRAME).signature)["app/convert.py"]
    for line in (
        '"Pclass": np.array([record.Pclass for record in records], dtype="int64"),',
        '"Sex": pd.array([record.Sex for record in records], dtype="str"),',
        '"Age": np.array([record.Age for record in records], dtype="float64"),',
        "GRADE = pd.CategoricalDtype([1, 2], ordered=True)",
    ):
        assert line in text


def test_a_wide_table_of_one_dtype_stays_short() -> None:
    model, sample = CASES["wide"]
    sources = render_source(infer_signature(model, sample).signature)
    assert len(sources["app/convert.py"].splitlines()) < 40
    assert len(sources["app/schemas.py"].splitlines()) < 330


def test_a_plain_dict_goes_through_as_pydantic_dumps_it() -> None:
    sample = {"a": 1, "b": {"c": [1]}}
    text = render_source(infer_signature(explain, sample).signature)["app/convert.py"]
    assert "    return record.model_dump()\n" in text
