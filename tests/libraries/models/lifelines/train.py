"""Cox's model of lifelines."""

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from save import save

rng = np.random.default_rng(0)
data = pd.DataFrame(
    {
        "age": rng.normal(50, 9, 80),
        "dose": rng.normal(size=80),
        "weeks": rng.gamma(2, 9, 80),
        "arrest": rng.integers(0, 2, 80),
    }
)
model = CoxPHFitter().fit(data, "weeks", "arrest")
X = data[["age", "dose"]][:8]
save(model, X, model.predict_partial_hazard(X))
