"""Nearest neighbours on trees of distances, and a metric of scipy's by name."""

import joblib
import numpy as np
from save import save
from sklearn.ensemble import VotingClassifier
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, RadiusNeighborsClassifier

X = np.random.default_rng(0).normal(size=(40, 3))
y = (X[:, 0] > 0).astype(int)
trees = [
    ("kd", KNeighborsClassifier(algorithm="kd_tree")),
    ("ball", KNeighborsClassifier(algorithm="ball_tree", metric="manhattan")),
    ("brute", KNeighborsClassifier(algorithm="brute", metric="cosine")),
    ("radius", RadiusNeighborsClassifier(radius=9.0)),
]
model = VotingClassifier(trees, voting="soft").fit(X, y)
model.density_ = KernelDensity().fit(X)
save(model, X[:8], model.predict_proba(X[:8]), file="model.joblib", dump=joblib.dump)
