"""Only names that the gate saw are loaded, by every reader of a file or of a pickle inside it."""

from __future__ import annotations

import functools
import io
import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch

from scaffold.base import model
from scaffold.base.unpickle import Names, load_torch
from scaffold.errors import FileChangedError, UnseenNameError
from scaffold.read import load_model, read_artifact, read_sample
from scaffold.spec import GlobalName, ModelFormat

P = pickle


class Reduced:
    """Pickles as a call that would leave a file."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("PWNED",)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    yield
    assert not Path("PWNED").exists()


def _torch(value: Any, *, archive: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=archive)
    return buffer.getvalue()


def _joblib(value: Any, **more: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, **more)
    return buffer.getvalue()


FILES: dict[str, tuple[ModelFormat, bytes]] = {
    "pickle": (ModelFormat.PICKLE, pickle.dumps([Reduced()])),
    "pickle of Python 2": (ModelFormat.PICKLE, pickle.dumps([Reduced()], protocol=2)),
    "joblib": (ModelFormat.JOBLIB, _joblib([np.arange(3), Reduced()])),
    "compressed joblib": (ModelFormat.JOBLIB, _joblib([np.arange(3), Reduced()], compress=("zlib", 3))),
    "objects of joblib": (ModelFormat.JOBLIB, _joblib(np.array([Reduced()], dtype=object))),
    "torch": (ModelFormat.TORCH, _torch([Reduced()], archive=True)),
    "old torch": (ModelFormat.TORCH, _torch([Reduced()], archive=False)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_name_that_was_not_seen_is_not_looked_up(name: str) -> None:
    layout, content = FILES[name]
    Path("model").write_bytes(content)
    names = [seen for seen in read_artifact(Path("model"), ours=True).globals if seen.qualname != "mkdir"]
    with pytest.raises(UnseenNameError, match=r"looks up posix\.mkdir while it loads"):
        model.load(Path("model"), layout, names)


def test_a_storage_inside_a_pickle_has_the_names_of_the_file_around_it() -> None:
    inner = _torch([Reduced()], archive=False)
    outer = pickle.dumps(functools.partial(torch.storage._load_from_bytes, inner))
    assert b"mkdir" in outer
    names = [GlobalName(module="torch.storage", qualname="_load_from_bytes", offset=0)]
    load = Names(Path("model"), names).find("torch.storage", "_load_from_bytes")
    with pytest.raises(UnseenNameError, match=r"posix\.mkdir"):
        load(inner)
    with pytest.raises(UnseenNameError, match="other bytes than torch's"):
        load(_torch([1], archive=True))


def test_names_that_a_compiled_module_imports_are_not_its_own() -> None:
    names = [GlobalName(module="sklearn.tree._tree", qualname=name, offset=0) for name in ("np", "issparse")]
    for name in ("np", "issparse"):
        with pytest.raises(UnseenNameError, match="has it from another"):
            Names(Path("model"), names).find("sklearn.tree._tree", name)


@pytest.mark.parametrize("archive", [True, False])
def test_torch_modules_load_as_torch_loads_them(archive: bool) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    Path("model.pt").write_bytes(_torch(net, archive=archive))
    loaded = load_model(read_artifact(Path("model.pt")))
    rows = torch.ones(2, 3)
    assert torch.equal(loaded(rows), net(rows))


def test_torch_does_not_compare_source_and_writes_no_patch() -> None:
    """torch's loader writes a patch file for a class if the file requests it."""
    keys = [("module", torch.nn.Linear, "linear.py", "another source")]

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return keys.pop() if value is torch.nn.Linear and keys else None

    buffer = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, buffer, protocol=2)
    Pickler(buffer, protocol=2).dump({"kind": torch.nn.Linear})
    pickle.dump([], buffer, protocol=2)
    names = [GlobalName(module="torch.nn.modules.linear", qualname="Linear", offset=0)]
    buffer.seek(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Linear, "dump_patches", True)
        assert load_torch(buffer, Names(Path("model"), names)) == {"kind": torch.nn.Linear}
    assert list(Path.cwd().iterdir()) == []


ARRAYS = {
    "rows": np.arange(12.0).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(12, dtype="i2").reshape(3, 4)),
    "swapped": np.arange(5, dtype=">i4"),
    "records": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
    "swapped records": np.array([(1, 2.5)], dtype=[("a", ">i4"), ("b", ">f8")]),
    "objects": np.array([{"a": 1}, None], dtype=object),
    "scalar": np.array(3.0),
    "empty": np.zeros((0, 3)),
    "matrix": np.matrix([[1, 2]]),
    "large": np.arange(200_000.0),
}


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_joblib_load_as_joblib_loads_them(name: str, compress: int) -> None:
    path = Path("model.joblib")
    joblib.dump({"array": ARRAYS[name], "after": 1}, path, compress=compress)
    mine, theirs = read_sample(path), joblib.load(path)
    assert type(mine["array"]) is type(theirs["array"])
    assert mine["array"].dtype == theirs["array"].dtype
    assert mine["array"].flags.f_contiguous == theirs["array"].flags.f_contiguous
    np.testing.assert_array_equal(mine["array"], theirs["array"])
    assert mine["after"] == 1


def test_a_file_that_was_swapped_in_between_is_not_loaded() -> None:
    path = Path("model.pkl")
    path.write_bytes(pickle.dumps([1]))
    artifact = read_artifact(path)
    path.write_bytes(pickle.dumps([2]))
    with pytest.raises(
        FileChangedError, match=r"^model\.pkl changed while scaffold was at work\.\n  sha256 "
    ):
        load_model(artifact)


def test_modules_of_ones_own_import_one_another_and_nothing_else_does() -> None:
    Path("features_one.py").write_text("import features_two\n\n\nclass Ratio:\n    two = features_two.TWO\n")
    Path("features_two.py").write_text("TWO = 2\n")
    Path("cupy.py").write_text("raise SystemExit('imported')\n")
    path = Path("model.pkl")
    path.write_bytes(P.PROTO + b"\x02cfeatures_one\nRatio\n)\x81.")
    assert load_model(read_artifact(path)).two == 2
    with pytest.raises(ModuleNotFoundError):
        __import__("cupy")


@pytest.mark.parametrize(
    "name", ["re:enum.bltns.eval", "sklearn.base:warnings.sys.exit", "re:compile.__call__"]
)
def test_a_name_with_dots_leads_through_classes_only(name: str) -> None:
    module, _, qualname = name.partition(":")
    names = Names(Path("model"), [GlobalName(module=module, qualname=qualname, offset=0)])
    with pytest.raises(UnseenNameError, match="something else than a class"):
        names.find(module, qualname)
