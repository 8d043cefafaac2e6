"""A generalised linear model of statsmodels, on arrays."""

import numpy as np
import statsmodels.api as sm
from save import save

X = sm.add_constant(np.random.default_rng(0).normal(size=(60, 2)))
model = sm.GLM(np.exp(X[:, 1]), X, family=sm.families.Gamma(sm.families.links.Log())).fit()
save(model, X[:8], model.predict(X[:8]))
