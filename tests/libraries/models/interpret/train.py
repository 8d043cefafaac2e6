"""An explainable boosting machine of interpret."""

import numpy as np
import pandas as pd
from interpret.glassbox import ExplainableBoostingClassifier
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"size": rng.normal(size=90), "town": rng.choice(["A", "B"], 90)})
model = ExplainableBoostingClassifier(outer_bags=2, max_rounds=20, n_jobs=1, random_state=0).fit(
    X, (X["size"] > 0).astype(int)
)
save(model, X[:8], model.predict_proba(X[:8]))
