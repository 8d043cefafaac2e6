"""Effects of econml: `effect(X)`."""

import numpy as np
from econml.dml import LinearDML
from save import save
from sklearn.linear_model import LassoCV, LogisticRegression

rng = np.random.default_rng(0)
X, T = rng.normal(size=(120, 3)), rng.integers(0, 2, 120)
y = X[:, 0] * T + rng.normal(size=120)
model = LinearDML(
    model_y=LassoCV(cv=2), model_t=LogisticRegression(), discrete_treatment=True, cv=2, random_state=0
)
model.fit(y, T, X=X)
save(model, X[:8], model.effect(X[:8]))
