"""A booster of xgboost on a table with a column of categories."""

import numpy as np
import pandas as pd
import xgboost
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"size": rng.normal(size=60), "rooms": rng.integers(1, 6, 60)})
model = xgboost.XGBRegressor(n_estimators=5).fit(X, X["size"] + X.rooms)
save(model, X[:8], model.predict(X[:8]))
