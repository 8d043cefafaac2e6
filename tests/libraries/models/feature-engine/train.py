"""A pipeline of feature-engine: imputes, groups rare labels, encodes and takes parts of dates."""

import numpy as np
import pandas as pd
from feature_engine.encoding import OrdinalEncoder, RareLabelEncoder
from feature_engine.imputation import MeanMedianImputer
from feature_engine.outliers import Winsorizer
from save import save
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {"town": rng.choice(["A", "B", "C"], 80), "n": rng.normal(size=80), "m": rng.gamma(2, 2, 80)}
)
X.loc[::7, "n"] = np.nan
model = make_pipeline(
    MeanMedianImputer(variables=["n"]),
    RareLabelEncoder(n_categories=2, variables=["town"]),
    OrdinalEncoder(variables=["town"]),
    Winsorizer(variables=["m"]),
    LogisticRegression(),
)
y = (X.m > 4).astype(int)
model.fit(X, y)
save(model, X[1:10], model.predict_proba(X[1:10]))
