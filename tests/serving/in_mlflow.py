"""Save models for `mlflow models serve`, or ask a server by the client. It runs where MLflow is installed."""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc.scoring_server.client import ScoringServerClient


class Texts(mlflow.pyfunc.PythonModel):
    """The model of the text service."""

    def predict(self, model_input: list[str]) -> list[dict[str, Any]]:
        """Return an object for each text."""
        return [{"letters": len(text), "words": text.split(" ")} for text in model_input]


def save(folder: Path) -> None:
    """Save the models beside their pickles."""
    passengers = pd.read_csv(folder / "titanic.csv").drop(columns="Survived")
    signatures = {"titanic": infer_signature(passengers), "forest": None}
    for name, signature in signatures.items():
        model = pickle.loads((folder / f"{name}.pkl").read_bytes())
        options = {"signature": signature, "serialization_format": "cloudpickle"}
        mlflow.sklearn.save_model(model, folder / name, **options)
    mlflow.pyfunc.save_model(folder / "text", python_model=Texts())


def ask(name: str, port: int, records: list[Any]) -> Any:
    """Return the predictions that the client of MLflow reads."""
    client = ScoringServerClient("127.0.0.1", port)
    client.ping()
    assert client.get_version()[0] in "23"
    is_table = name == "titanic"
    sent = pd.DataFrame(records) if is_table else np.array([each["data"] for each in records])
    return client.invoke(sent).get("predictions")


match sys.argv[1:]:
    case ["save", folder]:
        save(Path(folder))
    case ["ask", services]:
        print(json.dumps({name: ask(name, **each) for name, each in json.loads(services).items()}))
