"""A forecast of pmdarima: `predict(n_periods)`."""

import numpy as np
import pmdarima
from save import save

y = np.random.default_rng(0).normal(10, 1, 60)
model = pmdarima.ARIMA((1, 0, 0)).fit(y)
save(model, 6, model.predict(6), body={"data": 4}, answer=model.predict(4).tolist())
