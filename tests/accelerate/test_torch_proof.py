"""What the comparison of a module of torch with its graph finds, and which modules have no graph."""

from __future__ import annotations

import dataclasses
import importlib
import math
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scaffold.introspect import read_fast_plan
from scaffold.spec import Accelerate, FastPlan, ModelFormat, NoFastPlan, Signature, Tensor, Value
from tests.accelerate.compiled import load_compiled, network_signature

torch: Any = pytest.importorskip("torch")
pytestmark = [pytest.mark.libraries, pytest.mark.filterwarnings("ignore")]

MODELS = Path(__file__).parents[1] / "libraries/models"
ROWS = [[0.5, -1.0, 2.0], [1.5, 3.0, 0.25], [-2.0, 0.125, 1.0]]


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    """Run as in the generated project."""
    with torch.no_grad():
        yield


def _module(forward: Callable[[Any], Any], *layers: Any) -> Any:
    """Return a module that computes `forward` of what its layers return."""

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(*layers)

        def forward(self, x: Any) -> Any:
            return forward(self.layers(x))

    return Net()


def _plan(model: Any, signature: Signature) -> FastPlan | NoFastPlan:
    return read_fast_plan(model, signature, Accelerate.ONNX)


def _comparison(
    model: Any, signature: Signature, folder: Path, *, rows: list[Any] = ROWS, called: Any = None
) -> Any:
    """Return `tests.fast.compare` for a module.

    Args:
        model: The module that is exported.
        signature: Its signature.
        folder: Where the recorded sample is written.
        rows: The recorded sample.
        called: The module that the graph is compared with, if it is another one.
    """
    plan = _plan(model, signature)
    assert isinstance(plan, FastPlan), plan
    requests = [{"data": row} for row in rows]
    compare = load_compiled(plan, signature, ModelFormat.TORCH, b"", requests, folder).compare
    compare.load_model = lambda: called or model
    return compare


def _amax(x: Any) -> Any:
    return x.sqrt().amax(1)


def _max_pool(x: Any) -> Any:
    return torch.nn.functional.max_pool1d(x.sqrt().unsqueeze(1), 3).flatten(1)


def _top(x: Any) -> Any:
    return x.sqrt().topk(1, 1).values


@pytest.mark.parametrize(("forward", "output"), [(_amax, ()), (_max_pool, (1,)), (_top, (1,))])
def test_a_number_where_torch_returns_nan_is_a_difference(
    forward: Callable[[Any], Any], output: tuple[int, ...], tmp_path: Path
) -> None:
    compare = _comparison(_module(forward), network_signature((3,), output), tmp_path)
    difference = compare.compare(500)["difference"]
    assert "nan" in difference["model"]
    assert "nan" not in difference["fast"]


def _beside_nan(factor: float) -> Any:
    return _module(lambda x: torch.cat([x[:, :1] * math.nan, x * factor], 1))


def test_numbers_beside_nan_are_compared(tmp_path: Path) -> None:
    signature = network_signature((3,), (4,))
    equal = _comparison(_beside_nan(1.0), signature, tmp_path).compare(500)
    assert equal["difference"] is None
    assert equal["rows"] > 400
    other = _comparison(_beside_nan(1.0), signature, tmp_path, called=_beside_nan(1.001)).compare(500)
    assert other["difference"]["group"] == "recorded"


def _infinite(sign: float) -> Any:
    return _module(lambda x: x.sign() * sign * math.inf)


def test_an_infinity_of_the_other_sign_is_a_difference(tmp_path: Path) -> None:
    compare = _comparison(_infinite(1), network_signature((3,), (3,)), tmp_path, called=_infinite(-1))
    assert compare.compare(500)["difference"]["group"] == "recorded"


def _squares(x: Any) -> Any:
    return (x**2).sum(1, keepdim=True)


def _squares_or_nan(x: Any) -> Any:
    return torch.where(_squares(x).isinf(), math.nan, _squares(x))


def test_only_an_extreme_row_overflows(tmp_path: Path) -> None:
    called = _module(_squares_or_nan)
    compare = _comparison(_module(_squares), network_signature((3,), (1,)), tmp_path, called=called)
    found = compare.compare(2000)
    assert found["difference"] is None
    assert 0 < found["overflowing"] < found["rows"]


def test_a_comparison_of_no_row_is_no_proof(tmp_path: Path) -> None:
    signature = network_signature((3,), (6,), dtype="int64")
    model = torch.nn.Sequential(torch.nn.Embedding(1, 2), torch.nn.Flatten())
    compare = _comparison(model, signature, tmp_path, rows=[[5, 6, 7], [6, 6, 6]])
    with pytest.raises(ValueError, match="no row was compared"):
        compare.compare(500)


def test_the_answer_to_one_row_may_have_no_axis(tmp_path: Path) -> None:
    model = _module(lambda x: x.squeeze(), torch.nn.Linear(3, 1))
    compare = _comparison(model, network_signature((3,), ()), tmp_path, rows=ROWS[:1])
    assert compare.compare(500)["difference"] is None


def test_a_difference_in_a_batch_has_the_values_of_that_batch(tmp_path: Path) -> None:
    called = _module(lambda x: x + (len(x) == 7))
    compare = _comparison(_module(lambda x: x * 1), network_signature((3,), (3,)), tmp_path, called=called)
    difference = compare.compare(500)["difference"]
    assert difference["batch"] == 7
    assert difference["fast"] != difference["model"]


def _written(line: str, file: str) -> Any:
    """Return a module with one line of code, from a file."""
    lines = ["import torch", "class Net(torch.nn.Module):", "    def forward(self, x):", f"        {line}"]
    names: dict[str, Any] = {"__name__": "net"}
    exec(compile("\n".join(lines), file, "exec"), names)
    return names["Net"]()


BOOLEAN, LENGTH = "Converting a tensor to a Python boolean", "Using len to get tensor shape"


PLACES = {
    "return x * 2 if (x == 17).any() else x": ("/a/net.py", f"net.py, line 4 ({BOOLEAN})"),
    "return x * 2 if len(x) == 3 else x": ("<stdin>", f"<stdin>, line 4 ({LENGTH})"),
    "return x if x.shape[0] == 2 else x * 2": ("/tmp/ipykernel_1/2.py", f"2.py, line 4 ({BOOLEAN})"),
    "return x * float(x.max())": ("C:\\net.py", "net.py, line 4 (Converting a tensor to a Python float)"),
    "return x * 2 if 17 in x else x": ("net.py", "net.py, line 4 (Converting a tensor to a Python number)"),
    "return x * 2 if x.equal(-x) else x": ("net.py", "net.py, line 4 (torch gives a value to Python: equal)"),
    "return x * 2 if x[x == 17].nbytes else x": (
        "net.py",
        "net.py, line 4 (torch gives a value to Python: nbytes)",
    ),
    "return x + torch.distributions.Uniform(0, 1).log_prob(x)": (
        "net.py",
        "utils.py, line 56 (torch.tensor results are registered as constants in the trace)",
    ),
}


@pytest.mark.parametrize("line", PLACES)
def test_a_module_with_code_that_is_not_recorded_is_left_as_it_is(line: str) -> None:
    file, place = PLACES[line]
    assert _plan(_written(line, file), network_signature((3,), (3,))) == NoFastPlan(
        reason=f"torch.onnx does not record the Python code at {place}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "return x * 2 if not torch.jit.is_tracing() and (x == 17).any() else x",
        "return sum((x for _ in range(x[x == 17].shape[0])), x)",
        "return x * [1.0, 5.0][(x == 17).sum()]",
        "torch._assert((x != 17).all(), 'seventeen'); return x * 2",
        "return torch.stack([x, *[x * 2 for i in (x == 17).nonzero().unbind()]]).sum(0)",
    ],
)
def test_a_module_that_reads_values_without_a_warning_is_left_as_it_is(line: str) -> None:
    plan = _plan(_written(line, "net.py"), network_signature((3,), (3,)))
    assert isinstance(plan, NoFastPlan)
    assert plan.reason.startswith("Net does not run without the values of its input at net.py, line 4 (")


def test_torchscript_that_raises_an_exception_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["import torch", "class Positive(torch.nn.Module):", "    def forward(self, x: torch.Tensor):"]
    lines += ["        if bool((x < 0).any()): raise ValueError('negative')", "        return x * 2"]
    (tmp_path / "positive_net.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    script = torch.jit.script(importlib.import_module("positive_net").Positive())
    assert _plan(script, network_signature((3,), (3,))) == NoFastPlan(
        reason="torch.onnx does not record the Python code at positive_net.py, line 4 (an exception)"
    )
    checks_shapes = torch.jit.script(
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).eval()
    )
    assert isinstance(_plan(checks_shapes, network_signature((3,), (2,))), FastPlan)


def test_labels_are_left_to_the_module() -> None:
    signature = network_signature((3,), ())
    assert isinstance(signature.output, Value)
    field = signature.output.field
    assert isinstance(field.schema, Tensor)
    labels = dataclasses.replace(field, schema=dataclasses.replace(field.schema, dtype="int64"))
    model = _module(lambda x: x.argmax(1))
    assert _plan(model, dataclasses.replace(signature, output=Value(field=labels))) == NoFastPlan(
        reason="Net with an output of dtype int64 in place of scores has no compiled form"
    )


@pytest.mark.parametrize("name", ["torch_layers", "torch_lstm", "torch_transformer", "torchscript"])
def test_checks_in_the_layers_of_torch_do_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Any] = []
    module: Any = SimpleNamespace(save=lambda model, x, y, **_options: saved.append((model, x, y)))
    monkeypatch.setitem(sys.modules, "save", module)
    monkeypatch.syspath_prepend(str(MODELS / name))
    runpy.run_path(str(MODELS / name / "train.py"))
    [(model, x, y)] = saved
    dtype = f"{x.dtype}".removeprefix("torch.")
    assert isinstance(_plan(model, network_signature(x.shape[1:], y.shape[1:], dtype=dtype)), FastPlan)


def test_a_graph_that_onnxruntime_cannot_run_is_no_plan() -> None:
    signature = network_signature((3,), (3,))
    narrow = _module(lambda x: (x.bfloat16() * 2).float())
    assert _plan(narrow, signature) == NoFastPlan(
        reason="Net with numbers of dtype bfloat16 has no compiled form"
    )
    narrow = torch.nn.Linear(3, 3).bfloat16()
    assert _plan(narrow, network_signature((3,), (3,), dtype="bfloat16")) == NoFastPlan(
        reason="Linear with numbers of dtype bfloat16 has no compiled form"
    )
    assert _plan(torch.nn.MaxPool1d(3), signature) == NoFastPlan(
        reason="the graph of MaxPool1d is not valid (Input tensor must have at least 3 dimensions)"
    )
