"""A formula that gplearn found."""

import numpy as np
from gplearn.genetic import SymbolicTransformer
from save import save

X = np.random.default_rng(0).normal(size=(50, 3))
model = SymbolicTransformer(
    population_size=50, generations=3, hall_of_fame=20, n_components=4, random_state=0
).fit(X, X[:, 0] * X[:, 1])
save(model, X[:6], model.transform(X[:6]))
