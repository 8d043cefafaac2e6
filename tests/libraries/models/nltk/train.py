"""A stemmer and a tokenizer of nltk, kept by a vectorizer of scikit-learn."""

from nltk.stem import SnowballStemmer
from nltk.tokenize import TreebankWordTokenizer
from save import save
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

texts = [
    f"{verb} the {thing}" for verb in ("opening", "opened", "closes") for thing in ("doors", "hat", "cars")
]
# A RegexpTokenizer of nltk 3.10.4 that was pickled does not tokenize: "timeout not float or None".
words = CountVectorizer(
    tokenizer=TreebankWordTokenizer().tokenize, preprocessor=SnowballStemmer("english").stem
)
model = make_pipeline(words, MultinomialNB()).fit(texts, ["open" in text for text in texts])
save(model, texts[:6], model.predict(texts[:6]))
