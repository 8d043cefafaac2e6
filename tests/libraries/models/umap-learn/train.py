"""UMAP before a nearest neighbour."""

import numpy as np
from save import save
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from umap import UMAP

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
model = make_pipeline(
    UMAP(n_neighbors=5, random_state=0, transform_seed=0, n_epochs=20, n_jobs=1), KNeighborsClassifier(3)
)
model.fit(X, (X[:, 0] > 0).astype(int))
save(model, X[:6], model.predict(X[:6]))
