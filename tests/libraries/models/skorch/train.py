"""A network behind skorch."""

import numpy as np
import torch
from save import save
from skorch import NeuralNetClassifier
from torch import nn

torch.manual_seed(0)
X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
network = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2), nn.Softmax(dim=-1))
model = NeuralNetClassifier(network, max_epochs=3, verbose=0, iterator_train__shuffle=True).fit(
    X, (X[:, 0] > 0).astype("int64")
)
save(model, X[:8], model.predict_proba(X[:8]))
