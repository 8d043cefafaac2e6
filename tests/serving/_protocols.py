"""Services that speak every protocol, of the kinds of samples that their clients send."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

import scaffold
from scaffold.spec import OTHER_PROTOCOLS

EXAMPLE = Path(__file__).parents[2] / "examples" / "titanic"
ALL = ",".join(OTHER_PROTOCOLS)
ROWS = np.random.default_rng(7).normal(size=(12, 4))
TABLE = pd.DataFrame(
    {
        "age": [22.0, None, 41.5, 30.0],
        "sex": ["male", "female", None, "male"],
        "klass": [3, 1, 2, 3],
        "alone": [True, False, False, True],
    }
)


def score_table(rows: pd.DataFrame) -> Any:
    """Return a number that each of the columns has a part in."""
    sex = rows["sex"].map({"male": 1.0, "female": 2.0}).fillna(5.0).astype(float)
    return (rows["age"].fillna(0) + 10 * sex + 100 * rows["klass"] + 1000 * rows["alone"]).to_numpy()


def measure_texts(texts: list[str]) -> list[dict[str, Any]]:
    """Return an object for each text."""
    return [{"letters": len(text), "words": text.split(" ")} for text in texts]


MODEL = RandomForestClassifier(5, random_state=1).fit(ROWS, ROWS[:, 0] > 0)
SERVICES: dict[str, Any] = {
    "table": (score_table, TABLE),
    "forest": (MODEL, ROWS),
    "image": (lambda image: image.width, Image.new("RGB", (4, 3))),
    "plain": (score_table, TABLE),
    "text": (measure_texts, ["one two", "three", ""]),
}


def make_service(folder: Path, name: str) -> Path:
    """Return the project of a name of `SERVICES`, below the folder."""
    model, sample = SERVICES[name]
    profile: Any = "plain" if name == "plain" else "fast"
    answers = {"protocols": ALL}
    scaffold.new(
        model, sample, target=folder / name, name=name, answers=answers, verify=False, profile=profile
    )
    return folder / name


def train_titanic(folder: Path) -> tuple[Path, Any]:
    """Return the model file of the example, trained anew, and its sample."""
    shutil.copytree(EXAMPLE, folder / "example", ignore=shutil.ignore_patterns("service"))
    subprocess.run([sys.executable, folder / "example/train.py"], check=True)
    sample = pickle.loads((folder / "example/sample_input.pkl").read_bytes())
    return folder / "example/model.pkl", sample
