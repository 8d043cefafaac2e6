"""Ratings of scikit-surprise behind a class of one's own."""

import pandas as pd
import ratings
from save import save

table = pd.DataFrame({"user": list("aabbccdd"), "item": list("xyxzyzxz"), "stars": [5, 3, 4, 1, 2, 5, 3, 4]})
model = ratings.Ratings(table)
X = table[["user", "item"]]
save(model, X, model.predict(X))
