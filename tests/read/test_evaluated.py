"""Strings that a library evaluates, and other harm done with allowed names only."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch

from scaffold.errors import NotAModelError, NotASampleError, UntrustedCodeError
from scaffold.read import read_artifact, read_sample
from scaffold.read.gate._formulas import fault_of_formula

P = pickle
EVIL = "__import__('os').system('touch PWNED')"
METACLASS = ("pydantic._internal._model_construction", "ModelMetaclass")


def text(value: str) -> bytes:
    return P.BINUNICODE + len(value).to_bytes(4, "little") + value.encode()


def named(module: str, qualname: str) -> bytes:
    return text(module) + text(qualname) + P.STACK_GLOBAL


def group(opcode: bytes, *items: bytes) -> bytes:
    return P.MARK + b"".join(items) + opcode


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + group(P.TUPLE, *arguments) + P.REDUCE


def built(function: bytes, *state: bytes) -> bytes:
    return function + P.EMPTY_TUPLE + P.NEWOBJ + group(P.DICT, *state) + P.BUILD


def refused(body: bytes) -> list[str]:
    path = Path("model.pkl")
    path.write_bytes(P.PROTO + b"\x04" + body + P.STOP)
    with pytest.raises(UntrustedCodeError) as caught:
        read_artifact(path)
    assert all(place.startswith("at byte ") for _, place, _ in caught.value.names)
    return [name for name, _, _ in caught.value.names]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


BASES = group(P.TUPLE, named("pydantic.main", "BaseModel"))
ANNOTATIONS = group(P.DICT, text("__annotations__"), group(P.DICT, text("a"), text(EVIL)))
NORM = "scipy.stats._continuous_distns.norm_gen(...)"
TRAPS = {
    "a class that pydantic makes": (
        called(named(*METACLASS), text("X"), BASES, ANNOTATIONS),
        "pydantic._internal._model_construction.ModelMetaclass",
    ),
    "a reference to a type": (called(named("typing", "ForwardRef"), text(EVIL)), "typing.ForwardRef"),
    "a part of a type": (
        called(named("operator", "getitem"), named("typing", "List"), text(EVIL)),
        "operator.getitem",
    ),
    "a factor of a formula": (
        called(named("formulaic.parser.types.factor", "Factor"), text(EVIL)),
        "__import__",
    ),
    "a formula": (called(named("formulaic.formula", "Formula"), text(EVIL)), "__import__"),
    "a formula as bytes": (
        called(named("formulaic.formula", "Formula"), P.SHORT_BINBYTES + b"\x01x"),
        "1 bytes",
    ),
    "a formula that is made": (
        built(
            named("statsmodels.base.data", "ModelData"),
            text("formula"),
            called(named("builtins", "str"), text(EVIL)),
        ),
        "builtins.str",
    ),
    "a formula of a model": (
        built(named("statsmodels.base.data", "ModelData"), text("formula"), text("y ~ " + EVIL)),
        "__import__",
    ),
    "a text that scipy runs": (
        built(named("scipy.stats._continuous_distns", "norm_gen"), text("_parse_arg_template"), text(EVIL)),
        NORM,
    ),
    "a function that scipy runs": (
        built(
            named("scipy.stats._continuous_distns", "norm_gen"),
            text("_parse_arg_template"),
            text(f"def _parse_args(self, x={EVIL}):\n    return x"),
        ),
        NORM,
    ),
    "a template as bytes": (
        built(
            named("scipy.stats._continuous_distns", "norm_gen"),
            text("_parse_arg_template"),
            P.SHORT_BINBYTES + b"\x01x",
        ),
        NORM,
    ),
    "a template that is too long": (
        built(
            named("scipy.stats._continuous_distns", "norm_gen"),
            text("_parse_arg_template"),
            text("#" * 70_000),
        ),
        NORM,
    ),
}


@pytest.mark.parametrize(("body", "name"), TRAPS.values(), ids=TRAPS)
def test_a_text_that_is_evaluated_may_not_call_anything(body: bytes, name: str) -> None:
    assert name in refused(body)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ np.log(x) + C(a):b - 1",
        "y ~ bs(x, df=4) * z",
        "`a column` + I(x**2) + 0",
        "y ~ C(a, Treatment(reference='b')) + Q('odd name')",
        "x + y | z",
        "",
        "~ x",
    ],
)
def test_formulas_as_people_write_them_pass(formula: str) -> None:
    assert fault_of_formula(formula) is None


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ f(x)",
        "y ~ (lambda: x)()",
        "[x for x in y]",
        "x.__class__",
        "np.load('x')",
        "np.log.__self__",
        "open('x')",
        "`a` ~ __import__('os')",
        "f'{x}'",
        "x[0]",
        "(x := 1)",
        "np.log(*[open])(x)",
        "C(a)(b)",
        "x" * 20_000,
        "(" * 500 + "x" + ")" * 500,
        "y ~ x\n@ z(",
    ],
)
def test_a_formula_contains_only_what_a_formula_needs(formula: str) -> None:
    assert fault_of_formula(formula) is not None


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (built(named("patsy.eval", "EvalFactor"), text("code"), text("x")), "patsy.eval.EvalFactor"),
        (
            called(
                named("copyreg", "_reconstructor"),
                *(named("xgboost.core", "Booster"), named("xgboost.core", "Booster"), text("x")),
            ),
            "xgboost.core.Booster",
        ),
        (
            built(
                named("sklearn.linear_model._base", "LinearRegression"),
                *(text("__cuda_dependent_attributes__"), P.SHORT_BINBYTES + b"\x01x"),
            ),
            "sklearn.linear_model._base.LinearRegression(...)",
        ),
        (
            called(named("builtins", "bytearray"), P.LONG1 + b"\x06" + (1 << 40).to_bytes(6, "little")),
            "builtins.bytearray",
        ),
        (
            called(
                named("builtins", "list"),
                called(named("builtins", "range"), P.LONG1 + b"\x06" + (1 << 40).to_bytes(6, "little")),
            ),
            "builtins.range",
        ),
    ],
    ids=["patsy", "an initialised base", "a pickle in bytes", "huge bytes", "a huge list"],
)
def test_a_call_with_harmful_arguments_is_refused(body: bytes, name: str) -> None:
    assert refused(body) == [name]


ORDER = """
from __future__ import annotations
from typing import Literal, Optional
from pydantic import BaseModel
class Order(BaseModel):
    state: Literal["open", "closed"]
    sizes: Optional[list[int]] = None
model = Order(state="open")
"""
QUERYING = """
from typing import List
class Model:
    def predict(self, x: List["Model"], y: "int | None" = None):
        return x.query("a > 1 and b < @y")
model = Model()
"""
READING = "import numpy as np\ndef model(path):\n    return np.load(path)"


@pytest.mark.parametrize("source", [ORDER, QUERYING, READING], ids=["pydantic", "a query", "a further array"])
def test_types_and_queries_as_people_write_them_pass(source: str) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "train.py", "exec", dont_inherit=True), space)
    Path("model.pkl").write_bytes(cloudpickle.dumps(space["model"]))
    read_artifact(Path("model.pkl"))


class Saving(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "PWNED")
        return x


def test_torchscript_that_writes_a_file_is_refused() -> None:
    torch.jit.script(Saving()).save("model.pt")
    with pytest.raises(UntrustedCodeError, match=r"torch\.save at byte \d+ of model/code/__torch__"):
        read_artifact(Path("model.pt"))
    assert read_artifact(Path("model.pt"), trusted=["torch.save"])


@pytest.mark.parametrize(("name", "error"), [("model.pt", NotAModelError), ("x.npz", NotASampleError)])
def test_an_archive_that_would_fill_the_memory_is_refused(name: str, error: type[Exception]) -> None:
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        member = "model/data.pkl" if name == "model.pt" else "arr_0.npy"
        with archive.open(member, "w") as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
    with pytest.raises(error, match="unpacks to"):
        read_artifact(Path(name)) if name == "model.pt" else read_sample(Path(name))


def test_objects_in_an_array_are_not_unpickled() -> None:
    np.save("x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(NotASampleError, match="allow_pickle=False"):
        read_sample(Path("x.npy"))
