"""A pipeline with a ColumnTransformer, as most tables get one."""

import numpy as np
import pandas as pd
from save import save
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PowerTransformer

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {"age": rng.normal(40, 9, 80), "fare": rng.gamma(2, 9, 80), "port": rng.choice(["S", "C", "Q"], 80)}
)
X.loc[::9, "age"] = np.nan
numbers = make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), PowerTransformer())
columns = ColumnTransformer(
    [
        ("numbers", numbers, ["age", "fare"]),
        ("text", OneHotEncoder(), make_column_selector(dtype_exclude="number")),
    ]
)
model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5)).fit(X, X.fare > 15)
save(model, X[1:13], model.predict_proba(X[1:13]))
