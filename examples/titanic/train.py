"""Who survived the Titanic? Train a pipeline on the passenger table and leave a model with its samples.

`titanic.csv` holds the 891 passengers that courses on machine learning use as their training table: a part of
the list that Frank Harrell compiled from Encyclopedia Titanica, without names, tickets and cabins.
"""

import pickle
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).parent


def load_passengers() -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """The passengers, and whether each survived."""
    passengers = pd.read_csv(HERE / "titanic.csv")
    return passengers.drop(columns="Survived"), passengers["Survived"]


def main() -> None:
    X, y = load_passengers()
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["Age", "Fare"]),
            (OneHotEncoder(handle_unknown="ignore"), ["Pclass", "Sex", "Embarked"]),
            remainder="passthrough",
        ),
        LogisticRegression(max_iter=1000),
    ).fit(X[:700], y[:700])
    print(f"accuracy on {len(X) - 700} passengers held out: {model.score(X[700:], y[700:]):.3f}")

    sample = X.head(100)
    for name, value in {
        "model": model,
        "sample_input": sample,
        "sample_output": model.predict(sample),
    }.items():
        with (HERE / f"{name}.pkl").open("wb") as file:
            pickle.dump(value, file)


if __name__ == "__main__":
    main()
