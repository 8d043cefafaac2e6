"""What a call is given while a file loads: no object whose methods do what the file writes into it."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
import xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from scaffold.errors import SourceNotFoundError, UntrustedCodeError
from scaffold.read import load_model, read_artifact
from scaffold.resolve.lift._origin import script_with_names
from tests.attacks.opcodes import call, data, group, instance, integer, listed, name, text, whole

P = pickle
MODEL = instance("xgboost.sklearn:XGBRegressor")
LIST = name("builtins:list")


def _old_torch(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def _array(path: Path) -> None:
    """An array of joblib, and behind it a call that is given the array."""
    joblib.dump(np.array([xgboost.XGBRegressor()], dtype=object), path)
    content = path.read_bytes()[:-1]
    path.write_bytes(content[:2] + LIST + content[2:] + P.TUPLE1 + P.REDUCE + P.STOP)


def _written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


GIVEN: dict[str, Callable[[Path], object]] = {
    "itself": _written(whole(call(LIST, MODEL))),
    "in a list": _written(whole(call(LIST, listed(MODEL)))),
    "behind many items": _written(
        whole(call(LIST, P.EMPTY_LIST + P.MARK + P.NONE * 9000 + MODEL + P.APPENDS))
    ),
    "behind many keys": _written(
        whole(
            call(LIST, P.EMPTY_DICT + P.MARK + (text("x") + P.NONE) * 9000 + text("y") + MODEL + P.SETITEMS)
        )
    ),
    "in an attribute": _written(
        whole(call(LIST, instance("sklearn.linear_model._base:LinearRegression", coef_=MODEL)))
    ),
    "in bytes of torch": _written(
        whole(
            call(LIST, call(name("torch.storage:_load_from_bytes"), data(_old_torch(xgboost.XGBRegressor()))))
        )
    ),
    "in an array of joblib": _array,
    "in the state of what reads its state": _written(
        whole(name("random:Random") + P.EMPTY_TUPLE + P.NEWOBJ + group(integer(2), MODEL, P.NONE) + P.BUILD)
    ),
    "as what an index fetches from": _written(
        whole(
            call(
                name("numpy.random._pickle:__generator_ctor"),
                instance("torch.nn.modules.container:ParameterDict"),
                call(name("operator:itemgetter"), text("share_memory")),
            )
        )
    ),
}


@pytest.mark.parametrize("way", GIVEN)
def test_a_call_is_given_no_model(way: str, tmp_path: Path) -> None:
    GIVEN[way](tmp_path / "model.pkl")
    with pytest.raises(UntrustedCodeError, match="given to"):
        read_artifact(tmp_path / "model.pkl")


@pytest.mark.parametrize(
    "keep",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: functools.partial(max, model),
        lambda model: {"models": np.array([model, model], dtype=object)},
        lambda model: torch.nn.ParameterDict({"a": torch.nn.Parameter(torch.zeros(2))}),
    ],
)
@pytest.mark.parametrize("dump", [joblib.dump, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_model_may_be_kept(keep: Any, dump: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    dump(keep(xgboost.XGBRegressor(n_estimators=1).fit([[0.0], [1.0]], [0.0, 1.0])), path)
    load_model(read_artifact(path))


HELPERS = """
import os

class Outer:
    lib = os
    run = os.system

    class Inner:
        @staticmethod
        def double(x):
            return 2 * x
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "helpers_beside.py").write_text(HELPERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "model.pkl"


@pytest.mark.parametrize("qualname", ["Outer.run", "Outer.lib.system", "Outer.Inner.double.__call__"])
def test_an_attribute_of_an_own_class_is_no_name(qualname: str, beside: Path) -> None:
    beside.write_bytes(whole(name(f"helpers_beside:{qualname}")))
    with pytest.raises(UntrustedCodeError, match="helpers_beside"):
        read_artifact(beside)


@pytest.mark.parametrize("qualname", ["Outer.Inner", "Outer.Inner.double"])
def test_a_class_or_method_inside_an_own_class_is_a_name(qualname: str, beside: Path) -> None:
    beside.write_bytes(whole(name(f"helpers_beside:{qualname}")))
    assert load_model(read_artifact(beside)).__qualname__ == qualname


@pytest.mark.parametrize("imported", ["import re", "from os import system as re"])
def test_what_a_script_imports_is_no_name_of_its_own(imported: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"{imported}\n\nclass Model:\n    pass\n")
    assert script_with_names(["Model"], script, [], "model.pkl").name == "train.py"
    with pytest.raises(SourceNotFoundError, match=r"train\.py does not define it"):
        script_with_names(["re"], script, [], "model.pkl")
