"""Models that no library pickles: known by content, and the class that the message has loads them.

`foreign/` has one of each, made by python-crfsuite 0.9.12, fastText 0.9.2 and the schema of LiteRT 2.3.
"""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scaffold.cli._app import app
from scaffold.errors import NotAModelError, ReadError, TruncatedFileError
from scaffold.read import load_model, read_artifact
from scaffold.spec import ModelFormat

FOREIGN = Path(__file__).parent / "foreign"
CASES: dict[str, tuple[str, Any, Any]] = {
    "names.crfsuite": (
        "a CRFsuite model",
        [[["w=John", "cap"], ["w=runs", "low"]], [["w=a", "low"], ["w=Mary", "cap"]]],
        [["PER", "O"], ["O", "PER"]],
    ),
    "mood.bin": ("a fastText model", ["I love it", "hate that"], ["__label__good", "__label__bad"]),
    "dense.tflite": ("a TensorFlow Lite model", [[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]], [[6.5], [3.5]]),
}


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, f"{done.output}{done.exception or ''}"


@pytest.mark.parametrize("name", CASES)
def test_the_class_of_the_message_makes_a_service(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, sample, answers = CASES[name]
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(FOREIGN / name, tmp_path / name)
    with pytest.raises(NotAModelError) as caught:
        read_artifact(Path(name))
    told = str(caught.value)
    assert told.startswith(f"{name} is no model file: it is {kind}.\nNo library pickles it.")
    code, _, rest = told.partition("\n\n")[2].partition("\n\n  python -c ")
    command, new = rest.splitlines()
    Path("loads.py").write_text(textwrap.dedent(code))
    subprocess.run(f"{sys.executable} -c {command}", shell=True, check=True)
    assert new == "  scaffold new model.pkl service --input sample.json"
    if name == "dense.tflite":
        import numpy as np

        np.save("sample.npy", np.array(sample, dtype="float32"))
        new = new.replace("json", "npy")
    Path("sample.json").write_text(json.dumps(sample))
    status, output = typed(*new.split()[1:], "--no-verify")
    assert status == 0, output
    recorded = json.dumps(json.loads(Path("service/tests/recorded.json").read_text()))
    for answer in answers:
        assert json.dumps(answer) in recorded


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x20\x00\x00\x00TFL3", "a TensorFlow Lite model"),
    ],
)
def test_other_models_are_known_by_their_start(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(NotAModelError, match=told):
        read_artifact(tmp_path / "model.bin")


def test_weights_in_safetensors_need_their_class(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    for length in (len(header), 0x80):  # 0x80 is how a pickle starts
        padded = header.ljust(length).encode()
        (tmp_path / "net.bin").write_bytes(struct.pack("<Q", len(padded)) + padded + bytes(4))
        with pytest.raises(NotAModelError, match=r"a safetensors file\.\n(.*\n)*.*load_file\('net\.bin'\)"):
            read_artifact(tmp_path / "net.bin")


def test_the_module_of_weights_in_safetensors_is_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the message says, typed: the class of the network is in `train.py`."""
    import torch

    net = torch.nn.Linear(2, 1)
    weights = {name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}
    header, blob = {}, b""
    for name, array in weights.items():
        offsets = [len(blob), len(blob) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        blob += array.tobytes()
    text = json.dumps(header).encode()
    (tmp_path / "net.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)
    with pytest.raises(NotAModelError) as caught:
        read_artifact(tmp_path / "net.safetensors")
    lines = str(caught.value).splitlines()[2:-1]
    (tmp_path / "train.py").write_text(
        "import torch\nclass Net(torch.nn.Linear):\n    def __init__(self): super().__init__(2, 1)\n"
    )
    subprocess.run([sys.executable, "-c", textwrap.dedent("\n".join(lines))], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    assert read_artifact(tmp_path / "model.pt").format is ModelFormat.TORCH


def linear_onnx() -> bytes:
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [1.0, 2.0, 5.0])
    return bytes(to_onnx(model, np.zeros((1, 2), "float32")).SerializeToString())


def test_a_packed_onnx_is_read_as_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.chdir(tmp_path)
    content = linear_onnx()
    (tmp_path / "model.onnx.gz").write_bytes(gzip.compress(content))
    artifact = read_artifact(tmp_path / "model.onnx.gz")
    assert (artifact.format, artifact.compression) == (ModelFormat.ONNX, "gzip")
    assert load_model(artifact).get_inputs()[0].shape[1] == 2
    np.save("sample.npy", np.ones((3, 2), "float32"))
    status, output = typed("new", tmp_path, "service", "--input", "sample.npy", "--no-verify")
    assert status == 0, output
    assert (tmp_path / "service/model/model.onnx.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert "gzip.decompress(file.read())" in (tmp_path / "service/app/score.py").read_text()


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_packed_onnx_that_is_cut_off_says_so(tmp_path: Path, kept: float) -> None:
    packed = gzip.compress(linear_onnx())
    (tmp_path / "model.onnx.gz").write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(TruncatedFileError):
        read_artifact(tmp_path / "model.onnx.gz")


def test_a_packed_onnx_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx.gz").write_bytes(gzip.compress(linear_onnx() + bytes(270 << 20)))
    with pytest.raises(ReadError, match="unpacks to more than"):
        read_artifact(tmp_path / "model.onnx.gz")
