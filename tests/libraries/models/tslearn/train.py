"""Neighbours of series by dynamic time warping."""

import numpy as np
from save import save
from tslearn.neighbors import KNeighborsTimeSeriesClassifier

X = np.random.default_rng(0).normal(size=(20, 12, 1))
model = KNeighborsTimeSeriesClassifier(3).fit(X, (X.mean(axis=(1, 2)) > 0).astype(int))
save(model, X[:6], model.predict(X[:6]))
