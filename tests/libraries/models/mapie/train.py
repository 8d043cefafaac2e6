"""Intervals of mapie around a regression: the point and its bounds."""

import numpy as np
from mapie.regression import SplitConformalRegressor
from save import save
from sklearn.linear_model import LinearRegression

X = np.random.default_rng(0).normal(size=(80, 2))
y = X[:, 0] + np.random.default_rng(1).normal(size=80)
model = SplitConformalRegressor(LinearRegression(), confidence_level=0.9, prefit=False).fit(X[:40], y[:40])
model.conformalize(X[40:], y[40:])
save(model, X[:8], model.predict(X[:8]))
