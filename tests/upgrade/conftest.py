"""The Titanic service, and its next model, with one more column and without another."""

import io
import lzma
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

import scaffold

OLD = Path(__file__).parent / "old"
PASSENGERS = Path(__file__).parents[2] / "examples" / "titanic" / "titanic.csv"
NUMBERS, TEXTS = ["Age", "Fare", "SibSp"], ["Pclass", "Sex", "Embarked"]


def _passengers() -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Who was aboard, and who survived."""
    table = pd.read_csv(PASSENGERS).head(300)
    table["FamilySize"] = table["SibSp"] + table["Parch"] + 1
    return table.drop(columns="Survived"), table["Survived"]


def _train(dropped: str, strength: float = 1.0) -> tuple[Pipeline, pd.DataFrame]:
    """A model of all columns but one, and a sample of its input."""
    inputs, targets = _passengers()
    inputs = inputs.drop(columns=dropped)
    numbers = [name for name in [*NUMBERS, "Parch", "FamilySize"] if name != dropped]
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(strategy="median"), numbers), (OneHotEncoder(handle_unknown="ignore"), TEXTS)
        ),
        LogisticRegression(C=strength, max_iter=2000),
    )
    return model.fit(inputs, targets), inputs.head(20)


@pytest.fixture(scope="session")
def train() -> Callable[..., tuple[Pipeline, pd.DataFrame]]:
    """Train a model of all columns but one."""
    return _train


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service of the first model, as `new` writes it."""
    model, sample = _train("FamilySize")
    root = tmp_path_factory.mktemp("pristine") / "titanic"
    scaffold.new(model, sample, None, root, verify=False)
    return root


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(pristine, tmp_path / "titanic"))


@pytest.fixture
def old_project(tmp_path: Path) -> Callable[[str], Path]:
    """Write an example as version 0.1.0 wrote it, in the old layout, and return its folder."""

    def write(name: str) -> Path:
        root = tmp_path / name
        files = io.BytesIO(lzma.decompress((OLD / name / "pristine.tar.xz").read_bytes()))
        with tarfile.open(fileobj=files) as archive:
            archive.extractall(root, filter="data")
        (root / ".scaffold").mkdir()
        for file in ("record.json", "pristine.tar.xz"):
            shutil.copy(OLD / name / file, root / ".scaffold")
        shutil.copy(OLD / name / "model.pkl", root / "app/model")
        return root

    return write
