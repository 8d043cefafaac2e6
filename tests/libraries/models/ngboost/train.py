"""A regressor of ngboost."""

import numpy as np
from ngboost import NGBRegressor
from ngboost.distns import LogNormal
from save import save

X = np.random.default_rng(0).normal(size=(60, 3))
model = NGBRegressor(Dist=LogNormal, n_estimators=10, verbose=False, random_state=0).fit(X, np.exp(X[:, 0]))
save(model, X[:8], model.predict(X[:8]))
