"""Which iris is it? A model that was fitted on named columns and is asked with a plain array."""

import pickle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent


def main() -> None:
    iris = load_iris(as_frame=True)
    names = iris.target_names[iris.target]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(iris.data, names)

    sample = iris.data.to_numpy()[::10]
    np.save(HERE / "sample_input.npy", sample)
    for name, value in {"model": model, "sample_output": model.predict(iris.data[::10])}.items():
        with (HERE / f"{name}.pkl").open("wb") as file:
            pickle.dump(value, file)


if __name__ == "__main__":
    main()
