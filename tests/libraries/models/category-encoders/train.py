"""Encoders of category_encoders before a linear model."""

import category_encoders as ce
import numpy as np
import pandas as pd
from save import save
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {"town": rng.choice(["A", "B", "C"], 60), "kind": rng.choice(["x", "y"], 60), "n": rng.normal(size=60)}
)
y = rng.normal(size=60)
model = make_pipeline(ce.BinaryEncoder(cols=["kind"]), ce.TargetEncoder(cols=["town"]), Ridge()).fit(X, y)
save(model, X[:8], model.predict(X[:8]))
