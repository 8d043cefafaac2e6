"""Regressors of several families, voting; the target is transformed and splines stand before them."""

import numpy as np
import pandas as pd
from save import save
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor, ExtraTreesRegressor, VotingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import BayesianRidge, GammaRegressor, HuberRegressor, LassoCV, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, SplineTransformer

X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
y = np.exp(X.a)
each = [
    BayesianRidge(),
    GammaRegressor(),
    HuberRegressor(),
    LassoCV(cv=2),
    QuantileRegressor(),
    AdaBoostRegressor(),
    BaggingRegressor(n_estimators=3),
    ExtraTreesRegressor(n_estimators=5),
]
vote = VotingRegressor([(type(one).__name__, one) for one in each])
model = TransformedTargetRegressor(
    make_pipeline(QuantileTransformer(n_quantiles=10), SplineTransformer(), vote),
    func=np.log1p,
    inverse_func=np.expm1,
).fit(X, y)
model.others_ = [IsotonicRegression().fit(X.a, y), PLSRegression(1).fit(X, y)]
save(model, X[:8], model.predict(X[:8]))
