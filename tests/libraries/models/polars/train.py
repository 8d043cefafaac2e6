"""A function of a frame of polars, by value."""

import numpy as np
import polars as pl
from save import save
from sklearn.ensemble import RandomForestRegressor

rng = np.random.default_rng(0)
X = pl.DataFrame({"size": rng.normal(size=40), "rooms": rng.integers(1, 6, 40)})
model = RandomForestRegressor(n_estimators=5, random_state=0).fit(X, X["rooms"])
save(model, X[:8], model.predict(X[:8]))
