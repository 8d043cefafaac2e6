"""A table of arrow as the sample of a class of one's own."""

import pyarrow as pa
import tariff
from save import save

X = pa.table({"zone": ["A", "B", "A", "C", "B"], "km": [1.5, 2.0, 7.25, 3.0, 4.5]})
model = tariff.Tariff(pa.table({"zone": ["A", "B", "C"], "rate": [1.0, 2.5, 4.0]}))
save(model, X, model.predict(X))
