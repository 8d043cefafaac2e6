"""The page of `diff --html` for real models."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app

Train = Callable[..., tuple[Any, Any]]


def page(project: Path, folder: Path, model: Any, sample: Any) -> str:
    """The page of an update to a model."""
    for name, content in (("model", model), ("sample", sample)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(content))
    given = ["--model", str(folder / "model.pkl"), "--input", str(folder / "sample.pkl"), "--no-audit"]
    done = CliRunner().invoke(app, ["diff", str(project), *given, "--html", str(folder / "page.html")])
    assert done.exit_code == 0, done.output
    return (folder / "page.html").read_text()


@pytest.mark.slow
def test_the_page_of_a_classifier_has_a_confusion_matrix(project: Path, tmp_path: Path, train: Train) -> None:
    model, sample = train("FamilySize", 0.001)
    text = page(project, tmp_path, model, sample)
    assert '<table class="matrix"><tr><td class="corner">old ↓ new →</td><th scope=col>0</th>' in text
    assert "<h3><code>prediction</code></h3>" in text
    assert "Some of the changed labels" in text
    assert "of 20 answers change</span>" in text
    assert "<svg" not in text


@pytest.mark.slow
def test_the_page_of_a_regressor_has_a_scatter_plot_and_a_histogram(tmp_path: Path) -> None:
    inputs = np.arange(30.0).reshape(15, 2)
    targets = inputs[:, 0] / 3
    root = tmp_path / "service"
    scaffold.new(LinearRegression().fit(inputs, targets), inputs, None, root, verify=False)
    text = page(root, tmp_path, DummyRegressor().fit(inputs, targets), inputs)
    assert text.count("<svg") == 2
    assert text.count("<circle") == 15
    assert '<g class="bars">' in text
    assert "The largest differences" in text
    assert 'class="matrix"' not in text
