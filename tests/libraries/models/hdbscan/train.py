"""A class of one's own around hdbscan's `approximate_predict`."""

import clusters
import numpy as np
from save import save

X = np.random.default_rng(0).normal(size=(60, 2))
X[:30] += 9
model = clusters.Clusters(X)
save(model, X[20:40], model.predict(X[20:40]))
