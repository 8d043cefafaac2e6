"""Save models for `mlflow models serve`, or ask a server by MLflow's client. It runs where MLflow is installed."""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient


class Texts(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The model of the text service."""

    def predict(self, model_input: list[str]) -> list[dict[str, Any]]:
        """Return an object for each text."""
        return [{"letters": len(text), "words": text.split(" ")} for text in model_input]


def save(folder: Path) -> None:
    """Save the models beside their pickles."""
    for name in ("titanic", "forest"):
        model = pickle.loads((folder / f"{name}.pkl").read_bytes())
        mlflow.sklearn.save_model(model, folder / name, serialization_format="cloudpickle")
    mlflow.pyfunc.save_model(folder / "text", python_model=Texts())


def ask(port: str, name: str, records: list[Any]) -> Any:
    """Return the predictions that the client of MLflow reads."""
    client = ScoringServerClient("127.0.0.1", port)
    client.ping()
    assert client.get_version()[0] in "23"
    match name:
        case "titanic":
            sent: Any = pd.DataFrame(records)
        case "forest":
            sent = np.array([record["data"] for record in records])
        case _:
            sent = [record["data"] for record in records]
    return client.invoke(sent).get("predictions")


match sys.argv[1:]:
    case ["save", folder]:
        save(Path(folder))
    case ["ask", port, name, records]:
        print(json.dumps(ask(port, name, json.loads(records))))
