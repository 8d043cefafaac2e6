"""A StackingClassifier of mlxtend."""

import numpy as np
from mlxtend.classifier import StackingClassifier
from save import save
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
model = StackingClassifier([GaussianNB(), DecisionTreeClassifier(max_depth=2)], LogisticRegression()).fit(
    X, y
)
save(model, X[:8], model.predict(X[:8]))
