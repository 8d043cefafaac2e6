"""Labels for the words of a sentence."""

from save import save
from sklearn_crfsuite import CRF

X = [
    [{"word": word, "title": word.istitle()} for word in text.split()]
    for text in ("Anna runs", "a dog runs", "Otto", "Eva")
]
y = [["name" if word["title"] else "other" for word in sentence] for sentence in X]
model = CRF(max_iterations=10).fit(X, y)
save(model, X, model.predict(X), body={"data": X[1]})
