"""The mean vector of a text's words."""

import numpy as np
from gensim.models import Word2Vec


class Vectors:
    """Vectors of texts."""

    def __init__(self, texts):
        self.model = Word2Vec([text.split() for text in texts], vector_size=4, min_count=1, workers=1, seed=0)

    def transform(self, texts):
        """Shape `(n, 4)`."""
        return np.array(
            [
                np.mean([self.model.wv[w] for w in text.split() if w in self.model.wv], axis=0)
                for text in texts
            ]
        )
