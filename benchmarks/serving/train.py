"""Trains the models and writes them with the rows that are asked for. Usage: train.py PASSENGERS FOLDER

A: imputing, scaling and one-hot encoding before a logistic regression, on the passengers of the Titanic.
B: the same before a forest of 100 trees. C: a logistic regression on the four numbers of Iris.
D: a forest on an array of ten numbers. E: a class on nested JSON with text; these two only have to hold.
F: digits on images. G: the kind of a ticket, by its text; these two are asked by other protocols.
"""

import json
import pickle
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from pictures import Digits, pixels  # type: ignore[import-not-found] # beside this script
from PIL import Image
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tickets import TICKET, Urgency  # type: ignore[import-not-found]

ONE_BY_ONE, TOGETHER = 64, 256
KINDS = {"where is my parcel": 0, "it came broken": 1, "thanks for the quick help": 2}
TIMES = ["today", "since monday", "for the second time", "again"]


def on_passengers(last: Any, X: pd.DataFrame, y: "pd.Series[int]") -> Any:
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["Age", "Fare"]),
        (OneHotEncoder(handle_unknown="ignore"), ["Pclass", "Sex", "Embarked"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, last).fit(X, y)


def main(passengers: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.read_csv(passengers).dropna(subset="Embarked").sample(frac=1, random_state=3)
    X, y = table.drop(columns="Survived"), table["Survived"]
    flowers = load_iris()
    models = {
        "A": (on_passengers(LogisticRegression(max_iter=1000), X, y), X),
        "B": (on_passengers(RandomForestClassifier(100, random_state=0), X, y), X),
        "C": (LogisticRegression(max_iter=1000).fit(flowers.data, flowers.target), flowers.data),
    }
    for name, (model, inputs) in models.items():
        answers = [int(answer) for answer in model.predict(inputs)]
        # By way of JSON, which makes null of what is missing.
        rows = inputs.tolist() if name == "C" else json.loads(inputs.to_json(orient="records"))
        rows, answers = (values * 3 for values in (rows, answers))
        picked = {
            "one": rows[:ONE_BY_ONE],
            "one_answers": answers[:ONE_BY_ONE],
            "many": rows[-TOGETHER:],
            "many_answers": answers[-TOGETHER:],
        }
        (folder / f"{name}.json").write_text(json.dumps(picked))
        write(folder, name, model, inputs[:100])
    diabetes = load_diabetes()
    forest = RandomForestRegressor(20, random_state=0).fit(diabetes.data, diabetes.target)
    write(folder, "D", forest, diabetes.data[:50])
    write(folder, "E", Urgency({"late": 1.0, "broken": 1.5, "thanks": -0.5}), TICKET)
    digits = load_digits()
    images = [Image.fromarray((16 * each).clip(0, 255).astype("uint8")) for each in digits.images]
    classifier = LogisticRegression(max_iter=200)
    write(folder, "F", Digits(classifier.fit([pixels(each) for each in images], digits.target)), images[:50])
    texts = [f"{what} {when}, order {i}" for i, (what, when) in enumerate(product(KINDS, TIMES * 10))]
    kinds = [KINDS[what] for what, _ in product(KINDS, TIMES * 10)]
    write(folder, "G", make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, kinds), texts[::3])


def write(folder: Path, name: str, model: Any, sample: Any) -> None:
    """Leave a model and its samples as `scaffold new` takes them."""
    for suffix, value in {"": model, "-input": sample, "-output": model.predict(sample)}.items():
        with (folder / f"{name}{suffix}.pkl").open("wb") as file:
            pickle.dump(value, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
