"""Last steps of scikit-learn that skl2onnx converts, in 64 bits.

Only those stand here whose graph equals the model at extreme numbers too. skl2onnx is no requirement of this
package or of the model: the process that reads the model runs in an environment that has it.
"""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import ConverterMissingError, constant, fast_step, require
from scaffold.spec import FastGraph, FastStep

GraphEstimator = tuple[FastStep, tuple[str, ...], FastGraph]
"""The last step, its methods that are compiled, and the graph that computes it."""
_INPUT = "x"


def read_converted(step: Any) -> GraphEstimator:
    """Return a step that skl2onnx converts.

    Raises:
        ConverterMissingError: skl2onnx is not installed.
    """
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import DoubleTensorType
    except ImportError:
        raise ConverterMissingError("skl2onnx is not installed") from None
    classes = attribute(step, "classes_")
    options = None if classes is None else {id(step): {"zipmap": False}}
    rows = DoubleTensorType([None, step.n_features_in_])
    model = to_onnx(step, initial_types=[(_INPUT, rows)], options=options)
    graph = FastGraph(content=model.SerializeToString())
    if classes is None:
        require(step, attribute(step, "n_outputs_") in (1, None), "several outputs")
        return fast_step("ConvertedRegressor"), ("predict",), graph
    methods = ("predict", "predict_proba") if hasattr(step, "predict_proba") else ("predict",)
    return fast_step("ConvertedClassifier", constant("classes", classes)), methods, graph
