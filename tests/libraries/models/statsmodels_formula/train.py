"""A formula of statsmodels with a category, an interaction and a function."""

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"area": rng.gamma(3, 30, 60), "town": rng.choice(["A", "B", "C"], 60)})
model = smf.ols("price ~ np.log(area) * C(town)", X.assign(price=rng.normal(size=60))).fit()
save(model, X[:8], model.predict(X[:8]))
