"""Approximate neighbours of pynndescent as a step of scikit-learn."""

import numpy as np
from pynndescent import NNDescent
from save import save

X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
index = NNDescent(X, n_neighbors=5, random_state=0)
index.prepare()
ids, distances = index.query(X[:6], k=3)
save(index, X[:6], (ids, distances), answer=[ids[3].tolist(), distances[3].tolist()])
