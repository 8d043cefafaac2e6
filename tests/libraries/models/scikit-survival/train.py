"""Survival forest of scikit-survival: a risk for each record."""

import numpy as np
import pandas as pd
from save import save
from sksurv.ensemble import RandomSurvivalForest
from sksurv.util import Surv

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(60, 3)), columns=["age", "dose", "size"])
model = RandomSurvivalForest(n_estimators=5, random_state=0).fit(
    X, Surv.from_arrays(rng.integers(0, 2, 60) > 0, rng.gamma(2, 9, 60))
)
save(model, X[:8], model.predict(X[:8]))
