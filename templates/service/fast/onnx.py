"""Last steps that onnxruntime computes, from a graph of ONNX beside the constants."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .common import require_finite, sigmoid, softmax


class Graph:
    """The last step, in model/fast.onnx, run by onnxruntime."""

    dtype: Any = np.float64

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a graph is too small to be shared out
        with open_model(GRAPH, GRAPH_SHA256) as file:
            self.session = onnxruntime.InferenceSession(
                file.read(), options, providers=["CPUExecutionProvider"]
            )

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in the precision in which the model compares them."""
        return x.astype(self.dtype)

    def outputs(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs of the graph for rows."""
        outputs: list[NDArray[Any]] = self.session.run(None, {"x": self.rounded(x)})
        return outputs

    def sums(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums of the leaves of the trees for each row, an output a column."""
        return self.outputs(x)[0]


class GraphRegressor(Graph):
    """The sum of the trees, or its power."""

    def __init__(self, link: str = "") -> None:
        super().__init__()
        self.link = link

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the prediction for each row."""
        sums = self.sums(x).ravel()
        return np.exp(sums) if self.link == "exp" else sigmoid(sums) if self.link else sums


class GraphClassifier(Graph):
    """The sum of the trees for each class, or for the second of two."""

    def __init__(self, classes: NDArray[Any]) -> None:
        super().__init__()
        self.classes = classes

    def decision_function(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums."""
        sums = self.sums(x)
        return sums.ravel() if sums.shape[1] == 1 else sums

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return self.classes[self.predict_proba(x).argmax(axis=1)]

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        sums = self.decision_function(x)
        if sums.ndim == 1:
            second = sigmoid(sums)
            return np.stack([1 - second, second], axis=1)
        return softmax(sums)


class GraphForest(Graph):
    """The mean of the trees, which compare in 32 bits and sum in 64."""

    def __init__(self, count: int, takes_nan: bool) -> None:
        super().__init__()
        self.count, self.takes_nan = count, takes_nan

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        with np.errstate(over="ignore"):
            x = require_finite(x.astype(np.float32), nan=self.takes_nan)
        return x.astype(np.float64)

    def mean(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, an output a column."""
        return self.sums(x) / self.count


class GraphForestRegressor(GraphForest):
    """The mean of the trees."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the mean for each row, a column for each of several outputs."""
        mean = self.mean(x)
        return mean.ravel() if mean.shape[1] == 1 else mean


class GraphForestClassifier(GraphForest):
    """The mean of the trees' probabilities."""

    def __init__(self, classes: NDArray[Any], **forest: Any) -> None:
        super().__init__(**forest)
        self.classes = classes

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        return self.mean(x)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return self.classes[self.predict_proba(x).argmax(axis=1)]


class GraphGradientBoostingClassifier(GraphClassifier):
    """The sums of trees that compare in 32 bits and sum in 64."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        with np.errstate(over="ignore"):
            return require_finite(x.astype(np.float32)).astype(np.float64)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row; of two the second for the sum 0."""
        sums = self.decision_function(x)
        return self.classes[(sums >= 0).astype(np.intp) if sums.ndim == 1 else sums.argmax(axis=1)]


def without_tiny(x: NDArray[Any]) -> NDArray[Any]:
    """Return the rows as LightGBM reads them: a number next to 0 is 0."""
    x = x.astype(np.float64)
    x[np.abs(x) <= np.float64(np.float32(1e-35))] = 0.0
    return x


class LightGBMRegressor(GraphRegressor):
    """The sum of the trees of LightGBM, or its power."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows as LightGBM reads them."""
        return without_tiny(x)


class LightGBMClassifier(GraphClassifier):
    """The sums of the trees of LightGBM."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows as LightGBM reads them."""
        return without_tiny(x)


class XGBoostRegressor(GraphRegressor):
    """The sum of the trees of XGBoost, which compares and sums in 32 bits."""

    dtype = np.float32


class XGBoostClassifier(GraphClassifier):
    """The sums of the trees of XGBoost, which compares and sums in 32 bits."""

    dtype = np.float32


class XGBoostBooster(XGBoostRegressor):
    """What a Booster of XGBoost returns: the sums of the trees, or probabilities."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, of which XGBoost refuses infinite ones."""
        with np.errstate(over="ignore"):
            return require_finite(x.astype(np.float32), nan=True)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the prediction for each row."""
        return softmax(self.sums(x)) if self.link == "softmax" else super().predict(x)


def narrow(x: NDArray[Any]) -> NDArray[Any]:
    """Return the rows in 32 bits, as 64."""
    with np.errstate(over="ignore"):
        return x.astype(np.float32).astype(np.float64)


class CatBoostRegressor(GraphRegressor):
    """The sum of the trees of CatBoost, which compare in 32 bits and sum in 64, or its power."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return narrow(x)


class CatBoostClassifier(GraphClassifier):
    """The sums of the trees of CatBoost, which compare in 32 bits and sum in 64."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 32 bits, as 64."""
        return narrow(x)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each row, of more than two in a column."""
        classes = super().predict(x)
        return classes if len(self.classes) == 2 else classes[:, None]


class Converted(Graph):
    """A step that skl2onnx converted; it takes numbers of 64 bits."""

    def rounded(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the rows in 64 bits."""
        return require_finite(x.astype(np.float64))


class ConvertedRegressor(Converted):
    """A step with one number for each row."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the prediction for each row."""
        return self.outputs(x)[0].ravel()


class ConvertedClassifier(Converted):
    """A step with a label for each row."""

    def __init__(self, classes: NDArray[Any]) -> None:
        super().__init__()
        self.classes = classes

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row."""
        return self.classes[np.searchsorted(self.classes, self.outputs(x)[0])]

    def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class."""
        return self.outputs(x)[1].astype(np.float64)
