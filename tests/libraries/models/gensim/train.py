"""Word vectors of gensim behind a class of one's own."""

import vectors
from save import save

texts = ["open the door", "close the door", "open the car", "a new car"]
model = vectors.Vectors(texts)
save(model, texts, model.transform(texts))
