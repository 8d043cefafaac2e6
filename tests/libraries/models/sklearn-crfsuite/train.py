"""Labels for the words of a sentence."""

from save import save
from sklearn_crfsuite import CRF

X = [
    [{"word": word, "title": word.istitle()} for word in text.split()]
    for text in ("Anna runs", "a dog runs", "Otto", "Eva")
]
y = [["name" if word["title"] else "other" for word in sentence] for sentence in X]
model = CRF(max_iterations=10).fit(X, y)
y = model.predict(X)
save(model, X, y, body={"data": X[1]}, answer=y[1])
