"""A pipeline of imbalanced-learn that makes up rows when it is trained."""

import numpy as np
import pandas as pd
from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from save import save
from sklearn.preprocessing import RobustScaler

X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=["a", "b", "c"])
forest = BalancedRandomForestClassifier(
    n_estimators=5, random_state=0, sampling_strategy="all", replacement=True
)
model = make_pipeline(RobustScaler(), SMOTE(random_state=0), forest).fit(X, (X.a > 0.8).astype(int))
save(model, X[:8], model.predict_proba(X[:8]))
