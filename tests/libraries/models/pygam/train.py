"""A generalised additive model of pygam."""

import numpy as np
from pygam import LogisticGAM, f, s, te
from save import save

rng = np.random.default_rng(0)
X = np.column_stack([rng.normal(size=(90, 2)), rng.integers(0, 3, 90)])
model = LogisticGAM(s(0) + f(2) + te(0, 1, n_splines=4)).fit(X, X[:, 0] + rng.normal(size=90) > 0)
save(model, X[:8], model.predict_proba(X[:8]))
