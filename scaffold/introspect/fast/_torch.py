"""A module of torch as one graph of ONNX, which `torch.onnx` exports.

The module may compute anything: what counts is the comparison of the graph with it. `torch.onnx` needs the
package onnx, which is no requirement of this package or of the model: where it is not installed, the process
that reads the model runs in an environment that has it.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

from scaffold.introspect.fast._recording import (
    find_unrecorded,
    first_line,
    require_none,
    require_recordable,
)
from scaffold.introspect.fast._values import ConverterMissingError, NotCompiledError, fast_step, refuse
from scaffold.spec import (
    Arguments,
    FastGraph,
    FastPlan,
    Numpy,
    Optional,
    Schema,
    Signature,
    Table,
    Tensor,
    Torch,
    TorchCall,
    Value,
)

_OPSET = 17
"""The first that has layer normalisation as one operator."""
_BATCH = 2
"""The rows of the example: of 1, an export may take the number for a constant."""
_INPUT = "x"


def read_module(model: Any, signature: Signature) -> FastPlan:
    """Return the plan of a module.

    Raises:
        ConverterMissingError: onnx is not installed.
        NotCompiledError: It cannot be exported, or is called in another way than with a tensor of rows.
    """
    call = signature.call
    assert isinstance(call, TorchCall)
    if not (call.batched or call.wrapped):
        raise refuse(model, "records that are no rows")
    if call.method != "__call__":
        raise refuse(model, f"the method {call.method}")
    if call.arguments is not Arguments.ONE:
        raise refuse(model, "several arguments")
    output = _require_array(model, signature.output, "this output")
    if not output.dtype.startswith("float"):
        # The graph rounds sums otherwise: next to a boundary, it would give another label.
        raise refuse(model, f"an output of dtype {output.dtype} in place of scores")
    return FastPlan(
        estimator=fast_step("Network"),
        methods=(call.method,),
        graph=FastGraph(content=_require_runnable(model, _export(model, _example(model, signature.input)))),
    )


def _require_array(model: Any, schema: Schema, detail: str) -> Tensor:
    """Return the tensor that a schema consists of.

    Raises:
        NotCompiledError: It is none.
    """
    tensor = schema.field.schema if isinstance(schema, Value) else None
    is_one = isinstance(tensor, Tensor) and tensor.stacked and tensor.container in (Numpy(), Torch())
    if not is_one:
        raise refuse(model, detail)
    assert isinstance(tensor, Tensor)
    return tensor


def _example(model: Any, schema: Schema) -> Any:
    """Return a tensor of the shape and dtype that the module takes."""
    import torch

    if isinstance(schema, Table) and schema.container == Numpy():
        shape: tuple[int, ...] = (len(schema.columns),)
        name = schema.dtype
    else:
        tensor = _require_array(model, schema, "this input")
        if isinstance(tensor.items, Optional) and len(tensor.shape) != 1:
            raise refuse(model, "missing values in arrays")
        shape, name = tensor.shape, tensor.dtype
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise refuse(model, f"an input of dtype {name}")
    return torch.zeros((_BATCH, *shape), dtype=dtype)


def _export(model: Any, example: Any) -> bytes:
    """Return the graph, which takes any number of rows.

    Raises:
        ConverterMissingError: onnx is not installed.
        NotCompiledError: It cannot be exported, or computes something in Python that is not recorded.
    """
    try:
        import onnx  # noqa: F401 - torch.onnx fails without
    except ImportError:
        raise ConverterMissingError("onnx is not installed") from None
    import torch

    # The fast path of transformers is an operation that has no form in ONNX.
    torch.backends.mha.set_fastpath_enabled(False)
    file: Any = io.BytesIO()
    # Where it fails, torch.onnx prints its graph.
    with find_unrecorded() as places, contextlib.redirect_stdout(io.StringIO()):
        try:
            torch.onnx.export(
                _with_refusal(model.eval(), example),
                (example,),
                file,
                dynamo=False,  # the other exporter needs onnxscript, and takes no TorchScript
                opset_version=_OPSET,
                input_names=[_INPUT],
                dynamic_axes={_INPUT: {0: "rows"}},
            )
        except Exception as error:
            require_none(places)
            cause = first_line(error)
            raise NotCompiledError(f"torch.onnx cannot export {type(model).__name__} ({cause})") from error
    require_none(places)
    require_recordable(model, example)
    content: bytes = file.getvalue()
    return content


def _require_runnable(model: Any, content: bytes) -> bytes:
    """Return the graph.

    Raises:
        NotCompiledError: onnxruntime cannot run it: shapes that do not fit, or bfloat16.
    """
    import onnx

    loaded = onnx.load_model_from_string(content)
    try:
        graph = onnx.shape_inference.infer_shapes(loaded, check_type=True, strict_mode=True).graph
    except onnx.shape_inference.InferenceError as error:
        cause = first_line(error).rpartition("Error] ")[2]
        raise NotCompiledError(f"the graph of {type(model).__name__} is not valid ({cause})") from error
    values = (*graph.input, *graph.value_info, *graph.output)
    if any(value.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for value in values):
        raise refuse(model, "numbers of dtype bfloat16")
    return content


def _with_refusal(model: Any, example: Any) -> Any:
    """Return the module; one that looks whole numbers up in a table, with a refusal of negative ones.

    torch refuses a negative index of an `Embedding`. ONNX counts it from the end of the table: it becomes an
    index beyond the end, which both refuse.
    """
    import torch

    is_lookup = any(isinstance(each, torch.nn.Embedding | torch.nn.EmbeddingBag) for each in model.modules())
    if example.is_floating_point() or not is_lookup:
        return model

    class Refusing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return self.model(torch.where(x < 0, torch.iinfo(x.dtype).max, x))

    return Refusing().eval()
