"""Services that speak every protocol, of the kinds of samples that their clients send."""

import math
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
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


def describe_order(order: dict[str, Any]) -> dict[str, Any]:
    """Return an answer whose keys and types depend on the record."""
    count = order["count"]
    answer: dict[str, Any] = {
        "total": 0.5 if count == 0 else 2 * count,
        "amount": order["amount"],
        "share": math.nan if count == 0 else 1 / count,
        "lines": [[tag.upper(), {"x": order["place"]["x"]}] for tag in order["tags"]],
    }
    return {**answer, "gift": "card"} if count > 5 else answer


ORDERS = [
    {"count": 1, "amount": Decimal("1.10"), "place": {"x": 2.5}, "tags": ["a", "b"]},
    {"count": 7, "amount": Decimal("2.50"), "place": {"x": 0.5}, "tags": []},
    {"count": 2, "amount": Decimal("0.05"), "place": {"x": 1.5}, "tags": ["c"], "express": True},
]


@dataclass
class Parcel:
    """A record of a class of the model's own."""

    size: float
    labels: list[str]
    count: int = 3


def measure_parcel(parcel: Parcel) -> float:
    """Return a number that each of the fields has a part in."""
    return parcel.size * parcel.count + len(parcel.labels)


PARCELS = [Parcel(1.5, ["a", "b"]), Parcel(2.5, [], 7)]


def double_prices(prices: dict[str, float]) -> dict[str, float]:
    """Return the prices of as many goods as there are, doubled."""
    return {name: 2 * price for name, price in prices.items()}


PRICES = [{f"good {row}.{at}": float(at) for at in range(2 + row)} for row in range(30)]


def measure_texts(texts: list[str]) -> list[dict[str, Any]]:
    """Return an object for each text."""
    return [{"letters": len(text), "words": text.split(" ")} for text in texts]


MODEL = RandomForestClassifier(5, random_state=1).fit(ROWS, ROWS[:, 0] > 0)
SERVICES: dict[str, Any] = {
    "table": (score_table, TABLE),
    "forest": (MODEL, ROWS),
    "image": (lambda image: image.width, Image.new("RGB", (4, 3))),
    "orders": (describe_order, ORDERS),
    "parcels": (measure_parcel, PARCELS),
    "plain": (score_table, TABLE),
    "prices": (double_prices, PRICES),
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
