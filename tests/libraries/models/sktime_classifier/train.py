"""A classifier of series of sktime."""

import numpy as np
from save import save
from sktime.classification.interval_based import TimeSeriesForestClassifier

X = np.random.default_rng(0).normal(size=(30, 1, 20))
model = TimeSeriesForestClassifier(n_estimators=3, random_state=0, n_jobs=1).fit(
    X, (X.mean(axis=(1, 2)) > 0).astype(int)
)
save(model, X[:6], model.predict(X[:6]))
