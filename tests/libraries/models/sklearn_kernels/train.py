"""A Gaussian process with a sum of kernels, behind a support vector's scaling."""

import numpy as np
from save import save
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X = np.random.default_rng(0).normal(size=(30, 3))
kernel = ConstantKernel() * RBF() + Matern(nu=1.5) + WhiteKernel()
model = make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, optimizer=None)).fit(X, X[:, 0])
save(model, X[:8], model.predict(X[:8]))
