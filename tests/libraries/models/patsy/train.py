"""A design of patsy, kept by a class of one's own."""

import numpy as np
import pandas as pd
import priced
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"area": rng.gamma(3, 30, 60), "town": rng.choice(["A", "B"], 60)})
model = priced.Priced(X, rng.normal(size=60))
save(model, X[:8], model.predict(X[:8]))
