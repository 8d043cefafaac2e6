"""A classifier of catboost that takes texts as categories."""

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from save import save

rng = np.random.default_rng(0)
X = pd.DataFrame({"size": rng.normal(size=60), "town": rng.choice(["A", "B"], 60)})
model = CatBoostClassifier(iterations=5, cat_features=["town"], verbose=0, allow_writing_files=False)
model.fit(X, (X["size"] > 0).astype(int))
save(model, X[:8], model.predict_proba(X[:8]))
