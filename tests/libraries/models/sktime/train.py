"""A forecaster of sktime: `predict(fh)`."""

import numpy as np
import pandas as pd
from save import save
from sktime.forecasting.naive import NaiveForecaster

y = pd.Series(np.random.default_rng(0).normal(10, 1, 36))
model = NaiveForecaster("mean", sp=12).fit(y)
fh = [1, 2, 3, 4, 5]
answer = model.predict(fh)
save(model, fh, answer, body={"data": fh}, answer=answer.tolist())  # a horizon is one record
