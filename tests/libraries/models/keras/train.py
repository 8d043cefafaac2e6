"""A network of keras on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from save import save

keras.utils.set_random_seed(0)
X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
layers = [
    keras.Input((4,)),
    keras.layers.Dense(8, "gelu"),
    keras.layers.BatchNormalization(),
    keras.layers.Dense(1),
]
model = keras.Sequential(layers)
model.compile("adam", "mse")
model.fit(X, X[:, 0], epochs=2, verbose=0)
save(model, X[:8], model.predict(X[:8], verbose=0))
