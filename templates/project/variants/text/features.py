"""What the model sees of a text."""

from __future__ import annotations

from sklearn.feature_extraction.text import TfidfVectorizer


def build_features(*, longest_phrase: int) -> TfidfVectorizer:
    """Words and phrases of up to `longest_phrase` words, weighted by how rare they are."""
    return TfidfVectorizer(ngram_range=(1, longest_phrase), sublinear_tf=True)
