"""Register two models and print what this tool and MLflow say of them. It runs where MLflow is installed."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import scaffold
from scaffold.find import find_model
from scaffold.spec import Deployment, Release
from scaffold.store import Entry, open_store

NAME = sys.argv[1]
X = pd.DataFrame({"age": [20.0, 35.0, None, 65.0], "calls": [1, 5, 2, 8], "plan": ["a", "b", "a", "b"]})
y = [0, 1, 0, 1]
steps = make_column_transformer((SimpleImputer(), ["age", "calls"]), (OneHotEncoder(), ["plan"]))
model = make_pipeline(steps, LogisticRegression()).fit(X, y)

first = scaffold.register(
    model,
    NAME,
    input=X,
    output=model.predict(X),
    metrics={"auc": 0.8},
    params={"C": 1.0, "weights": {"a": 1}},
    data=X,
    confusion_matrix=(y, model.predict(X)),
    alias="staging",
)

mlflow.set_tracking_uri(os.environ["SCAFFOLD_STORE"].removeprefix("mlflow+"))
mlflow.set_experiment("by hand")
with mlflow.start_run() as active:
    mlflow.log_param("depth", 3)
    second = scaffold.register(model, NAME, input=X, metrics={"auc": 0.9})
    still = mlflow.get_run(active.info.run_id).info.status
scaffold.alias(f"{NAME}/2", "production")

declared = find_model(f"store:{NAME}@staging").declared
rows = json.loads(Path(declared.input or "").read_text())
release = Release(model_sha256=first.sha256, proof="passed")
deployed = Deployment(
    target="staging", namespace="n", name=NAME, image="i", url="u", revision=3, release=release
)
store = open_store()
store.record_deployment(Entry(action="deploy", deployment=deployed))
store.close()
[entry] = scaffold.deployment_history(NAME)
assert entry.deployment == deployed

loaded: Any = mlflow.pyfunc.load_model(f"models:/{NAME}@staging")
client = mlflow.MlflowClient()
run = client.get_run(first.run.id if first.run else "")
models = scaffold.models(NAME)
found = {
    "versions": [each.version for each in models],
    "aliases": [list(each.aliases) for each in models],
    "best": [each.metrics["auc"] for each in scaffold.runs(NAME, best="auc")],
    "requirements": [line for line in declared.requirements if line.startswith("scikit-learn==")],
    "declared": [[each.name, each.type, each.required] for each in declared.fields],
    "example": rows[2],
    "deployed": [entry.action, entry.deployment.name, entry.deployment.revision],
    "mlflow": {
        "predictions": loaded.predict(loaded.input_example).tolist(),
        "class": type(mlflow.sklearn.load_model(f"models:/{NAME}/1")).__name__,
        "inputs": loaded.metadata.signature.inputs.input_names(),
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": sorted(set(run.data.tags) - {"mlflow.runName", "mlflow.source.git.commit"}),
        "files": sorted(each.path for each in client.list_artifacts(run.info.run_id)),
        "ended": [run.info.status, still],
        "same_run": second.run is not None and second.run.id == active.info.run_id,
    },
}
print(json.dumps(found))
