"""A classifier of nltk: `classify` takes one dict."""

import nltk
from save import save

records = [
    {"last": name[-1], "long": len(name) > 4} for name in ("anna", "peter", "maria", "karl", "julia", "otto")
]
model = nltk.NaiveBayesClassifier.train(list(zip(records, "fmfmfm", strict=True)))
save(model, records, model.classify_many(records))
