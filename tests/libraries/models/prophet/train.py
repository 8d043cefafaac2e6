"""A forecast of prophet."""

import numpy as np
import pandas as pd
from prophet import Prophet
from save import save

days = pd.DataFrame(
    {"ds": pd.date_range("2024-01-01", periods=90), "y": np.random.default_rng(0).normal(10, 1, 90)}
)
model = Prophet(uncertainty_samples=0, yearly_seasonality=False).fit(days)
X = pd.DataFrame({"ds": pd.date_range("2024-03-31", periods=8)})
save(model, X, model.predict(X))
