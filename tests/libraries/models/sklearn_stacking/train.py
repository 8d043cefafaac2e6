"""A search over a stack of a forest, a support vector machine and a network, calibrated."""

from pathlib import Path

import cloudpickle
import numpy as np
from save import save
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

X = np.random.default_rng(0).normal(size=(60, 4))
y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
parts = [
    ("forest", RandomForestClassifier(n_estimators=5)),
    ("svc", SVC()),
    ("boost", GradientBoostingClassifier(n_estimators=5)),
    ("net", MLPClassifier((4,), max_iter=30)),
]
stack = StackingClassifier(parts, LogisticRegression(), cv=2)
calibrated = CalibratedClassifierCV(stack, cv=2)
model = GridSearchCV(calibrated, {"method": ["sigmoid", "isotonic"]}, cv=2).fit(X, y)
save(
    model, X[:8], model.predict_proba(X[:8]), dump=lambda it, to: Path(to).write_bytes(cloudpickle.dumps(it))
)
