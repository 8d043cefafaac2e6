"""A text classifier of spaCy, trained on the spot, behind a class of one's own."""

import topics
from save import save

texts = [f"{verb} the {thing}" for verb in ("open", "close") for thing in ("door", "car", "hat")]
model = topics.Topics(texts, ["OPEN" if "open" in text else "CLOSE" for text in texts])
save(model, texts, model.predict(texts))
