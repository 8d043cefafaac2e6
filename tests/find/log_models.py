"""Log a model of each flavour that is named, as the next version of the registered model of that name.

It runs in the environment of the MLflow server: the tests' own environment has no mlflow.
"""

import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
y = (X.a > 0).astype(float)
ROWS = X[:10].to_numpy().astype("float32")


def classifier() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, y)


def log(name: str, **options: Any) -> None:
    options |= {"name": "model", "registered_model_name": name, "pip_requirements": ["numpy"]}
    match name:
        case "xgboost":
            import xgboost

            model = xgboost.XGBClassifier(n_estimators=3).fit(X, y)
            mlflow.xgboost.log_model(model, input_example=X[:10], **options)
        case "lightgbm":
            import lightgbm

            model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1).fit(X, y)
            mlflow.lightgbm.log_model(model, input_example=X[:10], **options)
        case "catboost":
            import catboost

            model = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(X, y)
            mlflow.catboost.log_model(model, input_example=X[:10], **options)
        case "statsmodels":
            import statsmodels.api as sm

            mlflow.statsmodels.log_model(sm.OLS(y, X).fit(), input_example=X[:10], **options)
        case "onnx":
            from skl2onnx import to_onnx

            model = to_onnx(classifier(), ROWS[:1], options={"zipmap": False})
            mlflow.onnx.log_model(model, input_example=ROWS, **options)
        case "pytorch" | "pt2":
            import torch

            options["serialization_format"] = "pickle" if name == "pytorch" else name

            torch.manual_seed(0)
            model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
            mlflow.pytorch.log_model(model, input_example=ROWS, **options)
        case "pyfunc":
            log_pyfunc(options)
        case _:
            options["serialization_format"] = name
            mlflow.sklearn.log_model(classifier(), input_example=X[:10], **options)


def log_pyfunc(options: dict[str, Any]) -> None:
    """A model of its owner's: its class is in a module of the code paths, its weights are an artifact."""
    code, weights = Path("ratios.py"), Path("weights.json")
    code.write_text(RATIOS)
    weights.write_text('{"a": 2.0}')
    sys.path.insert(0, str(Path.cwd()))
    import ratios

    mlflow.pyfunc.log_model(
        python_model=ratios.Ratio(),
        artifacts={"weights": str(weights)},
        code_paths=[str(code)],
        model_config={"scale": 10.0},
        input_example=X[:10],
        **(options | {"pip_requirements": ["mlflow", "pandas"]}),
    )


RATIOS = """
import json

import mlflow


class Ratio(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.weights = json.loads(open(context.artifacts["weights"]).read())

    def predict(self, context, model_input, params=None):
        return model_input["a"] * self.weights["a"] * context.model_config["scale"]
"""

for flavour in sys.argv[1:]:
    with mlflow.start_run():
        mlflow.log_param("rows", len(X))
        log(flavour)
    client = mlflow.MlflowClient()
    newest = max(int(each.version) for each in client.search_model_versions(f"name='{flavour}'"))
    client.set_registered_model_alias(flavour, "live", str(newest))
