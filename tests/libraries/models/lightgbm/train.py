"""A classifier of lightgbm on a table with a column of categories."""

import lightgbm
import numpy as np
import pandas as pd
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"size": rng.normal(size=80), "town": pd.Categorical(rng.choice(["A", "B"], 80))})
model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["size"] > 0)
save(model, X[:8], model.predict_proba(X[:8]))
