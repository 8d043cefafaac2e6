"""Which classes the configuration of a Keras archive names: parts of Keras itself, and no others.

Keras makes objects by the names in `config.json`, and a model answers with them: a `Lambda` has bytecode, a
class with another module is imported. So only modules and classes that are listed here pass, and no `--trust`
opens another: the service would lack what registers it.

Source: `keras.saving.deserialize_keras_object` for what `module` and `class_name` mean.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from scaffold.errors import NotAModelError, UntrustedCodeError

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
_MOST_BYTES = 64 << 20
_MODULES = re.compile(
    r"keras\.(layers|models|initializers|regularizers|constraints|losses|metrics|optimizers(\.schedules)?)"
    r"|keras\.src\.(models\.(functional|sequential)|ops\.(numpy|nn|math|linalg)"
    r"|(backend\.\w+\.)?optimizers(\.\w+)?)",
    re.ASCII,
)
_OF_KERAS = ("Sequential", "Functional", "Model", "InputSpec", "DTypePolicy", "FloatDTypePolicy")
"""The classes of the module `keras` itself."""
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*", re.ASCII)
_WRITTEN = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__slice__", "__ellipsis__"}
)
"""What stands for values in place of a class."""
_RUNS_OTHER_CODE = frozenset({"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})


def judge_keras(path: Path, file: BinaryIO) -> None:
    """Check the names in a Keras archive.

    Raises:
        NotAModelError: Its configuration cannot be read, or its name is one that Keras does not open.
        UntrustedCodeError: It names what is not Keras' own, or what runs other code.
    """
    if path.suffix != ".keras":
        advice = f"Keras opens it as {path.stem}.keras: rename it."
        raise NotAModelError(path.name, "it is a Keras archive of another name", advice)
    try:
        with zipfile.ZipFile(file) as archive:
            member = archive.getinfo(CONFIG)
            if member.file_size > _MOST_BYTES:
                raise ValueError("it is too large")
            config = json.loads(archive.read(member))
    except (OSError, ValueError, KeyError, RecursionError, zipfile.BadZipFile) as error:
        raise NotAModelError(path.name, f"its {CONFIG} cannot be read: {type(error).__name__}") from error
    refused = list(dict.fromkeys(_refused(config)))
    if refused:
        names = [name for name, _, _ in refused]
        raise UntrustedCodeError(path.name, refused, never=names)


def _refused(config: Any) -> Iterator[tuple[str, str, str]]:
    """Each name that is not allowed, its place, and why."""
    where = f"in {CONFIG}"
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        if not isinstance(each, dict):
            continue
        waiting += each.values()
        if isinstance(each.get("vocabulary"), str):
            yield each["vocabulary"][:100], where, "a file with a vocabulary; set the words themselves"
        if "class_name" not in each:
            continue
        module, name = str(each.get("module") or ""), str(each["class_name"])
        if name in _RUNS_OTHER_CODE or name == "__lambda__":
            yield name, where, "it runs code of its own; write a layer of Keras in its place"
        elif not _is_own(module, name):
            yield f"{module}.{name}".lstrip(".")[:100], where, "no class of Keras' own"


def _is_own(module: str, name: str) -> bool:
    if not module:
        return name in _WRITTEN
    if module == "keras":
        return name in _OF_KERAS
    return bool(_MODULES.fullmatch(module) and _CLASS.fullmatch(name))
