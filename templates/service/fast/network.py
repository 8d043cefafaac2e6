"""Networks of torch, which onnxruntime computes."""

from typing import Any

import onnxruntime
from numpy.typing import NDArray


class Network:
    """The network in model/fast.onnx, run by onnxruntime."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # an error is raised, and its text has values of the input
        options.intra_op_num_threads = 1  # each call of the service has a thread of its own
        with open_model(GRAPH, GRAPH_SHA256) as file:
            self.session = onnxruntime.InferenceSession(
                file.read(), options, providers=["CPUExecutionProvider"]
            )

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the output for each row.

        Raises:
            ValueError: The graph refuses the rows, such as an index beyond the end of a table.
        """
        try:
            output: NDArray[Any] = self.session.run(None, {"x": x})[0]
        except Exception as error:
            raise ValueError(f"the graph refuses the rows: {type(error).__name__}") from None
        return output
