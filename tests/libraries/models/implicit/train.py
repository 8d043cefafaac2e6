"""Factors of implicit, asked for items like one."""

import numpy as np
from implicit.als import AlternatingLeastSquares
from save import save
from scipy.sparse import random as random_matrix

ratings = random_matrix(30, 20, 0.3, "csr", random_state=0, dtype=np.float32)
model = AlternatingLeastSquares(factors=4, iterations=3, random_state=0, num_threads=1)
model.fit(ratings, show_progress=False)
ids, scores = model.similar_items(3)
save(model, 3, (ids, scores), body={"data": 3}, answer=[ids.tolist(), scores.tolist()])
