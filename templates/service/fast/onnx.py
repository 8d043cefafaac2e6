"""Last steps that onnxruntime computes, from a graph of ONNX beside the constants."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .common import require_finite


class Graph:
    """The last step, in model/fast.onnx, run by onnxruntime."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a graph is too small to be shared out
        with open_model(GRAPH, GRAPH_SHA256) as file:
            self.session = onnxruntime.InferenceSession(
                file.read(), options, providers=["CPUExecutionProvider"]
            )

    def outputs(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs of the graph for rows."""
        outputs: list[NDArray[Any]] = self.session.run(None, {"x": x})
        return outputs


class TreeGraph(Graph):
    """The sums of trees."""

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the sums for each row, an output a column."""
        return self.outputs(x)[0]


class Converted(Graph):
    """A step that skl2onnx converted; it takes numbers of 64 bits."""

    def outputs(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the outputs of the graph for rows."""
        return super().outputs(require_finite(x.astype(np.float64)))


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
