"""Topics of texts."""

import spacy
from spacy.training import Example


class Topics:
    """Tells the topic of each text."""

    def __init__(self, texts, labels):
        self.nlp = spacy.blank("en")
        categories = self.nlp.add_pipe("textcat")
        for label in sorted(set(labels)):
            categories.add_label(label)
        made = [
            Example.from_dict(self.nlp.make_doc(text), {"cats": {label: 1.0}})
            for text, label in zip(texts, labels, strict=True)
        ]
        optimizer = self.nlp.initialize(lambda: made)
        for _ in range(5):
            self.nlp.update(made, sgd=optimizer)

    def predict(self, texts):
        """The best category of each text."""
        return [max(doc.cats, key=doc.cats.get) for doc in self.nlp.pipe(texts)]
