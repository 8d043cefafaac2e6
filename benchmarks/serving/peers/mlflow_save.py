"""Writes the model in MLflow's format. Usage: mlflow_save.py FOLDER"""

import os
import pickle
import shutil
import sys
from pathlib import Path

import mlflow

path = Path(os.environ["MODEL"])
model, sample = (pickle.loads(path.with_stem(path.stem + part).read_bytes()) for part in ("", "-input"))
shutil.rmtree(sys.argv[1], ignore_errors=True)
mlflow.sklearn.save_model(
    model,
    sys.argv[1],
    signature=mlflow.models.infer_signature(sample, model.predict(sample)),
    serialization_format="cloudpickle",
    pip_requirements=["scikit-learn", "pandas"],
)
