"""A classifier of pytorch-tabnet."""

import numpy as np
from pytorch_tabnet.tab_model import TabNetClassifier
from save import save

X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
model = TabNetClassifier(n_d=4, n_a=4, n_steps=2, seed=0, verbose=0)
model.fit(X, (X[:, 0] > 0).astype(int), max_epochs=2, batch_size=40, virtual_batch_size=20)
save(model, X[:8], model.predict_proba(X[:8]))
