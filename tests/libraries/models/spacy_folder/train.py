"""A folder that spaCy writes: a text classifier, and a rule for entities."""

import spacy
from save import save
from spacy.training import Example

texts = [f"{verb} the {thing}" for verb in ("open", "close") for thing in ("door", "car", "hat")]
nlp = spacy.blank("en")
categories = nlp.add_pipe("textcat")
for label in ("CLOSE", "OPEN"):
    categories.add_label(label)
made = [
    Example.from_dict(nlp.make_doc(text), {"cats": {"OPEN" if "open" in text else "CLOSE": 1.0}})
    for text in texts
]
optimizer = nlp.initialize(lambda: made)
for _ in range(5):
    nlp.update(made, sgd=optimizer)
nlp.add_pipe("entity_ruler").add_patterns([{"label": "THING", "pattern": "car"}])
answers = [doc.to_json() for doc in nlp.pipe(texts)]
save(nlp, texts, answers, file="model", dump=lambda model, folder: model.to_disk(folder))
