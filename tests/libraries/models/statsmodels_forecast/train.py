"""Exponential smoothing: `forecast(steps)`."""

import json
import pickle
from pathlib import Path

import numpy as np
from statsmodels.tsa.holtwinters import ExponentialSmoothing

y = np.random.default_rng(0).normal(10, 1, 48) + np.arange(48)
model = ExponentialSmoothing(y, trend="add", seasonal="add", seasonal_periods=12).fit()
Path("model.pkl").write_bytes(pickle.dumps(model))
Path("X.pkl").write_bytes(pickle.dumps(6))
Path("y.pkl").write_bytes(pickle.dumps(model.forecast(6)))
Path("request.json").write_text(json.dumps({"body": {"data": 3}, "answer": model.forecast(3).tolist()}))
