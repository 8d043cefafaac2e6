"""A forecaster of sktime: `predict(fh)`."""

import numpy as np
import pandas as pd
from save import save
from sktime.forecasting.naive import NaiveForecaster

y = pd.Series(np.random.default_rng(0).normal(10, 1, 36))
model = NaiveForecaster("mean", sp=12).fit(y)
fh = [1, 2, 3, 4, 5]
save(model, fh, model.predict(fh), body={"data": 4}, answer=float(model.predict([4]).iloc[0]))
