"""A pipeline of scikit-learn as ONNX."""

from pathlib import Path

import numpy as np
from save import save
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(X, X[:, 0])
made = to_onnx(fitted, X[:1])
save(
    made,
    X[:8],
    fitted.predict(X[:8]).astype("float32").reshape(-1, 1),
    file="model.onnx",
    dump=lambda it, to: Path(to).write_bytes(it.SerializeToString()),
)
