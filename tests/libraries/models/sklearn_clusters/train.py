"""A Gaussian mixture that predicts, stored with fitted clusterers, decompositions and outlier detectors."""

import joblib
import numpy as np
from save import save
from sklearn.cluster import AgglomerativeClustering, Birch, KMeans, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import NMF, PCA, LatentDirichletAllocation
from sklearn.ensemble import IsolationForest
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import LocalOutlierFactor

X = np.abs(np.random.default_rng(0).normal(size=(40, 3)))
model = GaussianMixture(2, random_state=0).fit(X)
# In the same file, so that loading it needs these classes too.
model.others_ = [
    each.fit(X)
    for each in (
        KMeans(2),
        MiniBatchKMeans(2),
        Birch(),
        AgglomerativeClustering(),
        EllipticEnvelope(),
        IsolationForest(n_estimators=5),
        PCA(2),
        NMF(2),
        LatentDirichletAllocation(2),
        BayesianGaussianMixture(),
        LocalOutlierFactor(novelty=True),
    )
]
save(
    model,
    X[:8],
    model.predict_proba(X[:8]),
    file="model.joblib",
    dump=lambda it, to: joblib.dump(it, to, compress=3),
)
