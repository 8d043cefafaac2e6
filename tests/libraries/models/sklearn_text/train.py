"""Texts: words, letters and hashes in a union, and a linear model."""

from save import save
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline, make_union

texts = [
    f"the {colour} {thing} is {state}"
    for colour in ("red", "blue")
    for thing in ("door", "car", "hat")
    for state in ("open", "lost", "new")
]
union = make_union(
    TfidfVectorizer(stop_words="english"),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)),
    HashingVectorizer(n_features=64),
)
model = make_pipeline(union, TruncatedSVD(5, random_state=0), SGDClassifier(loss="log_loss", random_state=0))
model.fit(texts, ["red" if "red" in text else "blue" for text in texts])
save(model, texts[:9], model.predict(texts[:9]))
