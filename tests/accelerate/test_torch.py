"""`--accelerate onnx`: modules of torch as a graph of ONNX, compared with the module."""

from __future__ import annotations

import dataclasses
import importlib
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import scaffold
from scaffold.base.layout import FAST_GRAPH, FAST_LOCK, LOCK
from scaffold.base.lockfile import Lock, from_model_lock, to_model_lock
from scaffold.errors import WorkerDiedError, WorkerEndedError, WorkerLimitError
from scaffold.introspect import read_fast_plan
from scaffold.render._fast import fast_files
from scaffold.render._fast_signature import fast_signature
from scaffold.render._slim import _sources_of
from scaffold.spec import (
    Accelerate,
    Batching,
    FastGraph,
    FastPlan,
    FastStep,
    LocalSource,
    ModelFormat,
    NoFastPlan,
    Numpy,
    PythonCall,
    Signature,
    Tensor,
    Value,
)
from scaffold.verbs import _compile
from scaffold.verbs._compile import accelerate
from scaffold.worker import WorkerSettings
from tests.accelerate.compiled import Compiled, compile_network, load_compiled, network_signature

PLAN = FastPlan(estimator=FastStep(step="Network"), methods=("__call__",), graph=FastGraph(content=b"graph"))


def test_a_network_takes_and_returns_arrays_of_numpy() -> None:
    plain = network_signature((4,), (2,))
    fast = fast_signature(plain, PLAN)
    assert fast.call == PythonCall(method="__call__", batching=Batching.TOGETHER)
    for before, after in ((plain.input, fast.input), (plain.output, fast.output)):
        assert isinstance(before, Value)
        tensor = before.field.schema
        assert isinstance(tensor, Tensor)
        field = dataclasses.replace(before.field, schema=dataclasses.replace(tensor, container=Numpy()))
        assert after == Value(field=field)


def test_auto_leaves_a_network_as_it_is() -> None:
    spec: Any = SimpleNamespace(signature=network_signature((3,), (2,)), answers={})
    options: Any = SimpleNamespace(accelerate="auto")
    settings: Any = None
    events: list[Any] = []
    assert accelerate(spec, options, settings, events.append) is spec
    assert "rounds the last digits differently; --accelerate onnx tries it" in str(events[0])


def test_the_code_of_a_network_is_a_session() -> None:
    files = fast_files(PLAN)
    code = files["app/fast.py"].decode()
    assert files["model/fast.onnx"] == b"graph"
    assert "        self.last = Network()\n" in code
    assert "        return self.last(x)\n" in code
    assert "class Graph" not in code
    assert "torch" not in code.partition('"""\n')[2]


def test_the_lock_in_tests_names_the_wheels_from_there() -> None:
    text = (
        "# Locked from requirements.in.\n--find-links ./wheels\n\ntorch==2.13.0\n    # via requirements.in\n"
    )
    moved = to_model_lock(text)
    assert "\n--find-links ../../wheels\n" in moved
    assert moved.endswith("# via tests/fast/requirements.in\n")
    assert from_model_lock(moved) == text


def test_a_module_counts_for_the_service_where_its_code_imports_it() -> None:
    sources = [
        LocalSource(path=path, content=content, reason="")
        for path, content in [("net.py", b"import torch"), ("units.py", b"import scales"), ("scales.py", b"")]
    ]
    kept = _sources_of({"app/convert.py": "import json\nfrom units import metres"}, sources)
    assert [source.path for source in kept] == ["units.py", "scales.py"]


def _models() -> dict[str, tuple[Any, Any, Signature]]:
    """Return modules, each with a sample and its signature."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    perceptron = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    images = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    ).eval()
    script = torch.jit.trace(perceptron.eval(), torch.randn(3, 6))
    rows, pictures = torch.randn(6, 6), torch.rand(6, 1, 8, 8)
    return {
        "rows": (perceptron, rows, network_signature((6,), (3,))),
        "one row a call": (perceptron, rows, network_signature((6,), (3,), batching=Batching.ONE_ROW)),
        "images": (images, pictures, network_signature((1, 8, 8), (3,))),
        "TorchScript": (script, rows, network_signature((6,), (3,))),
    }


@pytest.mark.libraries
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["rows", "one row a call", "images", "TorchScript"])
def test_a_network_returns_what_the_module_returns(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model, sample, signature = _models()[name]
    compiled = compile_network(model, sample, signature, tmp_path)
    assert isinstance(compiled, Compiled), compiled
    try:
        found = compiled.compare.compare(40)
    finally:
        torch.set_grad_enabled(True)
    assert found["difference"] is None
    assert found.get("sizes", (1, 7, 64, 256)) == (1, 7, 64, 256)
    own = compiled.fast(sample.numpy())
    assert np.allclose(own, model.eval()(sample).detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.libraries
@pytest.mark.filterwarnings("ignore")
def test_a_weight_that_differs_in_its_fourth_digit_is_found(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model, sample, signature = _models()["rows"]
    plan = read_fast_plan(model, signature, Accelerate.ONNX)
    assert isinstance(plan, FastPlan)
    with torch.no_grad():
        model[0].weight[0, 0] *= 1.0005
    file = io.BytesIO()
    torch.save(model, file)
    requests = [{"data": row} for row in sample.tolist()]
    compiled = load_compiled(plan, signature, ModelFormat.TORCH, file.getvalue(), requests, tmp_path)
    try:
        difference = compiled.compare.compare(500)["difference"]
    finally:
        torch.set_grad_enabled(True)
    assert (difference["step"], difference["method"]) == ("Sequential", "__call__")


@pytest.mark.libraries
def test_what_is_not_compiled_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from torch import nn

    model = nn.Linear(2, 2)
    signature = network_signature((2,), (2,))
    assert read_fast_plan(model, signature) == NoFastPlan(reason="Linear has a compiled form in ONNX only")
    alone = network_signature((2,), (2,), batching=Batching.ALONE)
    assert read_fast_plan(model, alone, Accelerate.ONNX) == NoFastPlan(
        reason="Linear with records that are no rows has no compiled form"
    )
    half = network_signature((3,), (2,))
    found = read_fast_plan(model, half, Accelerate.ONNX)
    assert isinstance(found, NoFastPlan)
    assert found.reason.startswith("torch.onnx cannot export Linear (")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert read_fast_plan(model, signature, Accelerate.ONNX) == NoFastPlan(
        reason="onnx is not installed", needs_converter=True
    )


NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.layer = nn.Embedding(9, 4), nn.Linear(12, 2)

    def forward(self, x):
        return self.layer(self.words(x).flatten(1))
"""


@pytest.mark.slow
def test_a_slim_service_of_a_module_of_ones_own_has_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "own_net.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = importlib.import_module("own_net").Net().eval()
    torch.save(model, tmp_path / "model.pt")
    sample = torch.randint(0, 9, (6, 3))
    root = tmp_path / "words"
    answers: dict[str, Any] = {"slim": True}
    output = model(sample).detach()
    project = scaffold.new(tmp_path / "model.pt", sample, output, root, accelerate="onnx", answers=answers)
    service, tests = (Lock.parse((root / path).read_text()).names for path in (LOCK, FAST_LOCK))
    assert {"torch"} <= set(tests) - set(service)
    assert "onnxruntime" in service
    assert (root / "own_net.py").is_file()
    verification = project.record.verification
    assert verification is not None
    [check] = [check for check in verification.checks if check.name == "compiled model"]
    assert check.detail.startswith("as the model on ")
    before = (root / FAST_GRAPH).read_bytes()
    assert scaffold.update(root, answers={"slim": False}).applied
    assert (root / FAST_GRAPH).read_bytes() == before
    assert "torch==" in (root / LOCK).read_text()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WorkerDiedError("SIGSEGV", "forward"), "SIGSEGV ended the process that reads its steps"),
        (WorkerEndedError(3, "forward"), "the process that reads its steps broke off (exit status 3)"),
        (WorkerLimitError("memory", "4G"), "the process that reads its steps reached its limit of memory"),
    ],
)
def test_a_model_that_ends_the_process_that_reads_it_is_called_as_it_is(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(_compile, "Worker", end)
    artifact = SimpleNamespace(path=tmp_path / "model.pt", sha256="", globals=(), format=ModelFormat.TORCH)
    dependencies = SimpleNamespace(sources=())
    signature = network_signature((3,), (2,))
    spec: Any = SimpleNamespace(artifact=artifact, dependencies=dependencies, signature=signature, answers={})
    options: Any = SimpleNamespace(accelerate="onnx", trust=())
    events: list[Any] = []
    assert accelerate(spec, options, WorkerSettings(), events.append) is spec
    assert f"accelerate: {reason}; the model is called as it is" in str(events[0])
