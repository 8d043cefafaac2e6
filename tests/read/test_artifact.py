"""Formats are recognised by content, and every broken file gets one clear message."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import io
import json
import pickle
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from scaffold.errors import (
    BrokenInstallError,
    LoadFailedError,
    MissingLibraryError,
    NoSuchFileError,
    NotAModelError,
    ReadError,
    TruncatedFileError,
    UnpicklableModelError,
    UnreadableFileError,
    UntrustedCodeError,
    VersionMismatchError,
)
from scaffold.read import dump_model, load_model, read_artifact
from scaffold.spec import ModelFormat

BROKEN = Path(__file__).parents[1] / "broken"
FORMATS = (
    "What is read: pickle, joblib, cloudpickle, torch.save, TorchScript, ONNX, "
    "and what XGBoost, LightGBM, CatBoost and Keras 3 save."
)
MESSAGES: dict[str, tuple[type[ReadError], str]] = {
    "empty.pkl": (NotAModelError, "{path} is no model file: it is empty.\nSave the model again."),
    "text.pkl": (
        NotAModelError,
        "{path} is no model file: it starts with b'This is no model', as no format does.\n" + FORMATS,
    ),
    "table.pkl": (
        NotAModelError,
        "{path} is no model file: it starts with b'id,name\\n1,a\\n2,b\\n', as no format does.\n" + FORMATS,
    ),
    "page.pkl": (
        NotAModelError,
        (
            "{path} is no model file: it is a web page.\n"
            "Download the file itself: this is the page that leads to it"
        ),
    ),
    "pointer.pkl": (
        NotAModelError,
        (
            "{path} is no model file: it is a Git LFS pointer, not the file itself.\n"
            "Fetch the file: git lfs pull"
        ),
    ),
    "cut.pkl": (
        TruncatedFileError,
        "{path} is truncated: it breaks off at byte 99 of the file. Copy or save it again.",
    ),
    "cut.pkl.gz": (
        TruncatedFileError,
        "{path} is truncated: it breaks off at byte 0 of what it unpacks to. Copy or save it again.",
    ),
    "cut.onnx": (
        TruncatedFileError,
        "{path} is truncated: it breaks off at byte 15 of the file. Copy or save it again.",
    ),
    "cut.zip": (
        TruncatedFileError,
        "{path} is truncated: it breaks off at byte 60 of the file. Copy or save it again.",
    ),
    "archive.zip": (
        NotAModelError,
        "{path} is no model file: at byte 0 stands a zip archive without data.pkl.\n" + FORMATS,
    ),
    "garbled.pkl": (
        NotAModelError,
        "{path} is no model file: at byte 106 stands byte 0xff, which is no opcode.\n" + FORMATS,
    ),
    "trap.pkl": (
        UntrustedCodeError,
        (
            "Refused as unsafe: trap.pkl names code that scaffold does not run unasked.\n"
            "  posix.system at byte 2\n"
            "If you made this file and expect that: scaffold new ... --trust posix.system"
        ),
    ),
    "no_library.pkl": (
        MissingLibraryError,
        (
            "no_library.pkl needs 'sksurv', which no installed distribution provides.\n"
            "  needed by: sksurv.linear_model.CoxPHSurvivalAnalysis\nInstall it: pip install scikit-survival"
        ),
    ),
    "no_module.pkl": (
        MissingLibraryError,
        (
            "no_module.pkl needs 'churn_of_nobody', which no installed distribution provides.\n"
            "  needed by: churn_of_nobody.features.Ratio\n"
            "Install the distribution that provides it or, if it is a file of yours, name its folder:\n"
            "  PYTHONPATH=FOLDER scaffold new ..."
        ),
    ),
    "old_library.pkl": (
        VersionMismatchError,
        (
            "old_library.pkl does not fit the scikit-learn {sklearn} that is installed here.\n"
            "  sklearn.ensemble.forest.RandomForestClassifier\n"
            "If another version made the file, run scaffold in the environment that the model was "
            "trained in, or train it again in this one."
        ),
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_broken_file_gets_one_clear_message(name: str) -> None:
    kind, message = MESSAGES[name]
    with pytest.raises(kind) as caught:
        read_artifact(BROKEN / name)
    assert str(caught.value) == message.format(path=BROKEN / name, sklearn=metadata.version("scikit-learn"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_file_that_is_not_there_is_named_with_those_beside_it(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    with pytest.raises(NoSuchFileError) as caught:
        read_artifact(tmp_path / "modle.pkl")
    assert str(caught.value) == f"No such file: {tmp_path / 'modle.pkl'}\nBeside it: model.pkl"


def test_an_unsupported_archive_says_what_to_save_instead(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("e/archive_format", "pt2")
    with pytest.raises(NotAModelError, match=r"it is a program of torch\.export\.\n.*Save "):
        read_artifact(path)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="it is a folder"):
        read_artifact(tmp_path)


def test_an_artifact_says_what_the_file_is_and_names(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    content = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    path.write_bytes(gzip.compress(content, mtime=0))
    artifact = read_artifact(path, provenance="the training run of May")
    assert artifact.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert artifact.size_bytes == path.stat().st_size
    assert (artifact.format, artifact.compression) == (ModelFormat.PICKLE, "gzip")
    assert artifact.provenance == "the training run of May"
    first = artifact.globals[0]
    assert first.dotted == "sklearn.linear_model._base.LinearRegression"
    assert content[first.offset : first.offset + 1] == pickle.STACK_GLOBAL
    assert load_model(artifact).predict([[3.0]])[0] == pytest.approx(3.0)


@pytest.mark.parametrize("compress", [0, ("zlib", 3), "gzip", "bz2", "xz", "lzma", "lz4"])
def test_joblib_is_recognised_by_its_arrays_with_any_suffix(tmp_path: Path, compress: Any) -> None:
    path = tmp_path / "model.pkl"
    joblib.dump({"weights": np.arange(9.0)}, path, compress=compress)
    artifact = read_artifact(path)
    expected = compress[0] if isinstance(compress, tuple) else compress or None
    assert (artifact.format, artifact.compression) == (ModelFormat.JOBLIB, expected)
    assert load_model(artifact)["weights"][8] == 8


def torch_files(folder: Path) -> dict[str, ModelFormat]:
    import torch

    net = torch.nn.Linear(2, 1)
    torch.save(net, folder / "zip")
    torch.save(net, folder / "legacy", _use_new_zipfile_serialization=False)
    torch.jit.trace(net, torch.zeros(1, 2)).save(str(folder / "script"))
    return {"zip": ModelFormat.TORCH, "legacy": ModelFormat.TORCH, "script": ModelFormat.TORCHSCRIPT}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_formats_of_torch_are_distinguished(tmp_path: Path) -> None:
    for name, expected in torch_files(tmp_path).items():
        artifact = read_artifact(tmp_path / name)
        assert artifact.format is expected
        assert tuple(load_model(artifact).weight.shape) == (1, 2)


def test_formats_of_libraries_are_recognised_by_content(tmp_path: Path) -> None:
    import lightgbm
    import xgboost

    x, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    booster = xgboost.train({"max_depth": 1}, xgboost.DMatrix(x, y), 2)
    booster.save_model(tmp_path / "a.json")
    booster.save_model(tmp_path / "b.ubj")
    lightgbm.train({"verbose": -1, "min_data_in_leaf": 2}, lightgbm.Dataset(x, y), 2).save_model(
        tmp_path / "c"
    )
    found = {path.name: read_artifact(path).format for path in tmp_path.iterdir()}
    assert found == {"a.json": ModelFormat.XGBOOST, "b.ubj": ModelFormat.XGBOOST, "c": ModelFormat.LIGHTGBM}


def test_a_big_tensor_inside_a_pickle_is_skipped(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([torch.zeros(200_000)]))
    assert load_model(read_artifact(path))[0].shape == (200_000,)


def test_a_state_dict_is_no_model(tmp_path: Path) -> None:
    import torch

    torch.save(torch.nn.Linear(2, 1).state_dict(), tmp_path / "model.pt")
    with pytest.raises(LoadFailedError) as caught:
        load_model(read_artifact(tmp_path / "model.pt"))
    assert str(caught.value) == (
        "model.pt does not load.\n  a state_dict of 2 tensors is no model\n"
        "The file holds weights without their network. Save the module itself and give that file:\n"
        '  torch.save(model, "model.pt")'
    )


def test_a_class_of_the_script_that_saved_the_model_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02c__main__\nRatioAdder\n)\x81.")
    with pytest.raises(
        LoadFailedError, match=r"it needs 'RatioAdder' of the script that saved it\n.*\n.*--source"
    ):
        load_model(read_artifact(path))


def test_a_local_module_beside_the_model_is_found(tmp_path: Path) -> None:
    (tmp_path / "features_beside.py").write_text("class Ratio:\n    value = 3\n")
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02cfeatures_beside\nRatio\n)\x81.")
    before = sys.path[:]
    assert load_model(read_artifact(path)).value == 3
    assert sys.path == before


@pytest.mark.parametrize(
    ("module", "folder"),
    [("churn_kit", "gone"), ("another_name", "gone"), ("another_name", "moved/src")],
    ids=["named in its metadata", "of a backend that lists no modules", "only its inner folder is gone"],
)
def test_an_editable_install_whose_folder_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, folder: str
) -> None:
    (tmp_path / "moved").mkdir()
    info = tmp_path / "churn_kit-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: churn-kit\nVersion: 0.3\n")
    (info / "RECORD").write_text("churn_kit.pth,,\n")
    (tmp_path / "churn_kit.pth").write_text(f"{tmp_path}/{folder}\n")
    if module == "churn_kit":
        (info / "top_level.txt").write_text("churn_kit\n")
    url = {"url": f"file://{tmp_path}/{folder.partition('/')[0]}", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(url))
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02c" + module.encode() + b".model\nModel\n)\x81.")
    with pytest.raises(BrokenInstallError) as caught:
        read_artifact(path)
    assert str(caught.value).startswith(
        "churn-kit 0.3 is installed here, but cannot go with the service: "
        f"its editable install leads to {tmp_path}/{folder}, which is gone.\n"
    )


def test_a_local_module_gives_only_what_it_defines(tmp_path: Path) -> None:
    (tmp_path / "features_own.py").write_text(
        "import os\nfrom os import system as run\nfrom os.path import join\nimport numpy as np\n"
        "alias = os.system\n\n\nclass Ratio:\n    def method(self): ...\n"
    )
    path = tmp_path / "model.pkl"
    for name in ("run", "alias", "join", "os", "np", "os.system", "Ratio.__init__.__globals__"):
        path.write_bytes(pickle.dumps(1)[:2] + f"cfeatures_own\n{name}\n.".encode())
        with pytest.raises(ReadError):
            read_artifact(path)
    path.write_bytes(b"\x80\x04cfeatures_own\nRatio.method\n.")
    assert read_artifact(path).globals[0].qualname == "Ratio.method"


def test_a_file_that_hides_a_library_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("raise SystemExit('ran')\n")
    (tmp_path / "decimal.py").write_text("raise SystemExit('ran')\n")
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(LinearRegression()))
    assert isinstance(load_model(read_artifact(path)), LinearRegression)


def test_an_error_of_a_local_module_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "features_bad.py").write_text("import nothing_like_it\n\n\nclass Ratio: ...\n")
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02cfeatures_bad\nRatio\n)\x81.")
    with pytest.raises(MissingLibraryError, match="needs 'nothing_like_it', which no installed"):
        load_model(read_artifact(path))
    (tmp_path / "features_bad2.py").write_text(
        "class Ratio:\n    def __setstate__(self, s):\n        1 / 0\n"
    )
    path.write_bytes(b"\x80\x02cfeatures_bad2\nRatio\n)\x81}b.")
    path.write_bytes(b"\x80\x02cfeatures_bad2\nRatio\n)\x81}U\x01aNsb.")
    with pytest.raises(LoadFailedError) as caught:
        load_model(read_artifact(path))
    assert str(caught.value) == "model.pkl does not load.\n  ZeroDivisionError: division by zero"


def test_a_model_in_memory_is_written_so_that_it_reads_back(tmp_path: Path) -> None:
    import torch

    for model in (LinearRegression(), lambda x: x + 1, torch.nn.Linear(1, 1)):
        path = dump_model(model, tmp_path)
        assert type(load_model(read_artifact(path))) is type(model)


def test_a_file_that_the_system_does_not_open_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read: File name too long"):
        read_artifact(tmp_path / ("x" * 300))
    path = tmp_path / "model.pkl"
    path.write_bytes(b"N.")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFileError, match=r"model\.pkl cannot be read: Permission denied\.\n"):
        read_artifact(path)


def test_a_class_of_the_script_is_carried_from_a_process_that_the_script_spawned(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import multiprocessing, pathlib\n"
        "from scaffold.read import dump_model\n\n"
        "class Model:\n    def predict(self, x):\n        return 2 * x\n\n"
        "def dump():\n    dump_model(Model(), pathlib.Path())\n\n"
        "if __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=dump)\n"
        "    child.start()\n    child.join()\n"
    )
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True)
    assert pickle.loads((tmp_path / "model.pkl").read_bytes()).predict(4) == 8


def test_an_object_that_cannot_be_pickled_is_reported_with_a_remedy(tmp_path: Path) -> None:
    class Service:
        def __init__(self) -> None:
            self.file = (tmp_path / "x").open("w")

    with pytest.raises(
        UnpicklableModelError, match="This Service cannot be written to a file: Cannot pickle"
    ):
        service = Service()
        try:
            dump_model(service, tmp_path)
        finally:
            service.file.close()


def test_an_object_that_wraps_torchscript_says_how_to_save_it(tmp_path: Path) -> None:
    import torch

    class Scorer:
        def __init__(self, script: Any) -> None:
            self.script = script

    class Written(Scorer):
        def __getstate__(self) -> Any:
            file = io.BytesIO()
            torch.jit.save(self.script, file)
            return vars(self) | {"script": file.getvalue()}

        def __setstate__(self, state: Any) -> None:
            vars(self).update(state, script=torch.jit.load(io.BytesIO(state["script"])))

    script = torch.jit.script(torch.nn.Linear(2, 1))
    with pytest.raises(UnpicklableModelError) as caught:
        dump_model(Scorer(script), tmp_path)
    # The lines are those of the class above, which does as they say.
    for line in str(caught.value).splitlines()[2:]:
        code = line.strip().partition("(")[0]
        assert any(code in known for known in inspect.getsource(Written).splitlines())
    again = pickle.loads(dump_model(Written(script), tmp_path).read_bytes())
    assert torch.equal(again.script(torch.ones(1, 2)), script(torch.ones(1, 2)))
    with pytest.raises(UnpicklableModelError, match=r"torch.jit.script\(model\).save"):
        dump_model(torch.nn.Sequential(script), tmp_path)


def test_cloudpickled_code_lists_what_it_imports(tmp_path: Path) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("import numpy as np\ndef model(x):\n    import math\n    return np.log(x) + math.pi", space)
    path = tmp_path / "model.pkl"
    path.write_bytes(cloudpickle.dumps(space["model"]))
    assert {"numpy", "math"} <= {name.dotted for name in read_artifact(path).globals}


def test_the_names_of_a_model_in_memory_are_listed_and_not_judged() -> None:
    artifact = read_artifact(BROKEN / "trap.pkl", ours=True)
    assert [name.dotted for name in artifact.globals] == ["posix.system"]


def test_a_class_that_is_gone_from_a_module_of_the_users_own_is_named(tmp_path: Path) -> None:
    (tmp_path / "features_changed.py").write_text("class Renamed: ...\n")
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02cfeatures_changed\nRatio\n)\x81.")
    with pytest.raises(LoadFailedError, match=r"your own module has no features_changed\.Ratio any more"):
        read_artifact(path)
