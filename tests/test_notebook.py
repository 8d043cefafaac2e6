"""A notebook that defines a transformer, trains, and calls `scaffold.new` in its last cell."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import scaffold

CELLS = [
    """
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

SCALE = 100
""",
    """
def ratio(top, bottom):
    return top / bottom * SCALE
""",
    """
class RatioAdder(BaseEstimator, TransformerMixin):
    \"\"\"Adds the ratio of two columns.\"\"\"

    def __init__(self, top, bottom):
        self.top = top
        self.bottom = bottom

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.assign(ratio=ratio(X[self.top], X[self.bottom]))
""",
    """
X = pd.DataFrame({"rooms": [1, 2, 3, 4, 5], "area": [20.0, 35.5, 60.0, 88.0, 91.5]})
model = make_pipeline(RatioAdder("rooms", "area"), Ridge()).fit(X, [300.0, 410.0, 600.0, 820.0, 900.0])
""",
    """
import scaffold

project = scaffold.new(model, X, model.predict(X), "rent-service")
assert project.verification is not None and project.verification.passed
print(project)
""",
]


@pytest.mark.slow
def test_the_service_of_a_notebook_holds_a_readable_class_and_gives_its_answers(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    [printed] = [output["text"] for output in notebook.cells[-1].outputs if output.get("name") == "stdout"]
    assert printed.strip().endswith("proven)")
    root = tmp_path / "rent-service"
    [lifted] = [path for path in root.glob("*.py") if "RatioAdder" in path.read_text()]
    text = lifted.read_text()
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert names == ["ratio", "RatioAdder"]
    assert "SCALE = 100" in text
    assert '"""Adds the ratio of two columns."""' in text
    assert scaffold.verify(root).passed
