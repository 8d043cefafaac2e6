"""An archive of Keras: its configuration names layers of Keras, and nothing that runs other code."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import NotAModelError, UntrustedCodeError
from scaffold.read import read_artifact
from scaffold.spec import ModelFormat


def of(module: str, class_name: str, /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


TENSOR = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4]}}
DENSE = of(
    "keras.layers",
    "Dense",
    dtype=of("keras", "DTypePolicy", name="float32"),
    kernel_initializer=of("keras.initializers", "GlorotUniform"),
    inbound_nodes=[{"args": [TENSOR]}],
)
OPERATION = of("keras.src.ops.numpy", "Multiply")
COMPILED = of("keras.src.backend.torch.optimizers.torch_adam", "Adam")


def archive(path: Path, *layers: object, config: str = "") -> Path:
    model = of("keras.src.models.functional", "Functional", layers=list(layers))
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        packed.writestr("config.json", config or json.dumps(model | {"compile_config": COMPILED}))
        packed.writestr("model.weights.h5", b"weights")
    return path


def test_layers_of_keras_pass_and_the_version_is_read(tmp_path: Path) -> None:
    found = read_artifact(archive(tmp_path / "m.keras", DENSE, OPERATION))
    assert found.format is ModelFormat.KERAS
    assert found.made_with.versions == {"keras": "3.15.1"}


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (of("keras.layers", "Lambda"), "Lambda"),
        (of("keras.layers", "Dense", activation={"class_name": "__lambda__", "config": {}}), "__lambda__"),
        (of("keras.layers", "TFSMLayer", filepath="/tmp/m"), "TFSMLayer"),
        (of("os", "system"), r"os\.system"),
        (of("keras.layers", "system"), r"keras\.layers\.system"),
        (of("keras.utils", "get_file"), r"keras\.utils\.get_file"),
        (of("keras.config", "enable_unsafe_deserialization"), "enable_unsafe_deserialization"),
        (of("keras", "config.enable_unsafe_deserialization"), "enable_unsafe_deserialization"),
        (of("builtins", "function"), r"builtins\.function"),
        (of("train", "Mine"), r"train\.Mine"),
        ({"class_name": "Dense", "config": {}}, "Dense"),
        (of("keras.layers", "StringLookup", vocabulary="/etc/passwd"), "/etc/passwd"),
    ],
)
def test_what_is_no_part_of_keras_or_runs_other_code_is_refused(
    tmp_path: Path, layer: object, name: str
) -> None:
    with pytest.raises(UntrustedCodeError, match=rf"No --trust opens .*{name}"):
        read_artifact(archive(tmp_path / "m.keras", DENSE, [{"deep": layer}]), trusted=["keras", "os.system"])


@pytest.mark.parametrize("config", ["no json", "[" * 100_000, "\0"])
def test_a_configuration_that_cannot_be_read_is_no_model(tmp_path: Path, config: str) -> None:
    with pytest.raises(NotAModelError, match=r"its config\.json cannot be read"):
        read_artifact(archive(tmp_path / "m.keras", config=config))


def test_a_name_that_keras_does_not_open_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match=r"Keras opens it as model\.keras: rename it"):
        read_artifact(archive(tmp_path / "model.zip", DENSE))
