"""A folder in place of a model's file: one that a library loads as a whole, or one with a single file."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_dict, as_list, one_line
from scaffold.base.files import is_file, sha256_file
from scaffold.base.folder import AUTO_MODELS, FILES, LIST, NO_HEAD, TASKS, ModelFolder, is_taken
from scaffold.errors import NotAModelError
from scaffold.find._source import Declared, download_folder
from scaffold.spec import ModelFormat

_WEIGHTS, _METADATA = "model.weights.h5", "metadata.json"
"""Two files of a folder that `keras.saving.save_model(model, folder, zipped=False)` writes."""
_SUFFIXES = (
    ".pkl",
    ".pickle",
    ".joblib",
    ".skops",
    ".pt",
    ".pth",
    ".onnx",
    ".onnx.gz",
    ".keras",
    ".ubj",
    ".xgb",
    ".cbm",
    ".lgb",
)
"""Not `.json` and `.txt`, which are mostly other files."""
_MOST_FILES = 5000
_MOST_NAMED = 5
_MOST_CONFIG_BYTES = 4 << 20
_PREPARES = ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json")
"""One of these files is in a folder of transformers that takes texts or images, not tensors."""
_SAVE_ANEW = "Save it anew, as transformers does by itself: model.save_pretrained(FOLDER)"
_SAVED = (
    "Convert it to ONNX, and give that: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"
)


def model_in(folder: Path) -> tuple[Path, Declared]:
    """Return the model's file for a folder that a person named, and its description.

    For a folder that a library loads as a whole that is a list of its files, beside a copy of them. For any
    other it is the one model file in it, or the folder as it is where that has none.

    Raises:
        NotAModelError: It has several model files, links that lead out, or weights that are not read.
    """
    if is_file(folder / _WEIGHTS) and is_file(folder / _METADATA):
        return _keras_archive(folder), Declared()
    layout = _format(folder)
    if layout is None:
        return _only_file(folder), Declared()
    names: list[str] = []
    left: list[str] = []
    for name in _names(folder):
        (names if is_taken(layout, name) else left).append(name)
    if layout is not ModelFormat.SPACY and not any(name.endswith(".safetensors") for name in names):
        raise NotAModelError(str(folder), "its weights are in no file *.safetensors", _SAVE_ANEW)
    task = _task(folder) if layout is ModelFormat.TRANSFORMERS else ""
    target = download_folder()
    for name in names:
        _place(folder, name, target / FILES / name)
    files = {name: sha256_file(target / FILES / name) for name in names}
    listed = target / LIST
    listed.write_bytes(ModelFolder(format=layout, task=task, files=files).content())
    shown = ", ".join(one_line(name) for name in left[:_MOST_NAMED])
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    notes = (f"of the folder {shown}{more} is left out",) if left else ()
    return listed, Declared(notes=notes)


def _format(folder: Path) -> ModelFormat | None:
    if is_file(folder / "modules.json") and is_file(folder / "config_sentence_transformers.json"):
        return ModelFormat.SENTENCE_TRANSFORMERS
    if is_file(folder / "config.cfg") and is_file(folder / "meta.json"):
        return ModelFormat.SPACY
    if _config(folder).keys() & {"model_type", "architectures"}:
        return ModelFormat.TRANSFORMERS
    if is_file(folder / "saved_model.pb"):
        raise NotAModelError(str(folder), "it is a SavedModel of TensorFlow", _SAVED)
    return None


def _keras_archive(folder: Path) -> Path:
    """Pack a folder of Keras as Keras itself does; the same files make the same archive."""
    archive = download_folder() / "model.keras"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in _names(folder):
            packed.writestr(zipfile.ZipInfo(name), (folder / name).read_bytes())
    return archive


def _config(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        path = folder / "config.json"
        if path.stat().st_size <= _MOST_CONFIG_BYTES:
            return as_dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def _task(folder: Path) -> str:
    """The task of a pipeline; the class of the network where nothing makes tensors of texts or images."""
    named = next(iter(as_list(_config(folder).get("architectures"))), "")
    task = next((task for end, task in TASKS.items() if str(named).endswith(end)), NO_HEAD)
    return task if any(is_file(folder / name) for name in _PREPARES) else AUTO_MODELS[task]


def _names(folder: Path) -> list[str]:
    """The files of a folder, by their path in it; hidden folders and `__pycache__` are passed over."""
    names: list[str] = []
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in (*folders, *files):
            _require_inside(folder, Path(top, name))
        names += (Path(top, name).relative_to(folder).as_posix() for name in sorted(files))
        if len(names) > _MOST_FILES:
            raise NotAModelError(str(folder), f"it has more than {_MOST_FILES} files")
    return names


def _require_inside(folder: Path, path: Path) -> None:
    """Raise NotAModelError for a link out of the folder, but to the blobs of Hugging Face's cache."""
    if not path.is_symlink():
        return
    whole = folder.absolute()
    cache = whole.parents[1] / "blobs" if whole.parent.name == "snapshots" else whole
    target = path.resolve()
    if path.is_dir() or not any(target.is_relative_to(place.resolve()) for place in (whole, cache)):
        name = path.relative_to(folder)
        advice = "Copy the folder with what its links lead to: cp -rL FOLDER COPY"
        raise NotAModelError(str(folder), f"{name} is a symbolic link that leads out of it", advice)


def _place(folder: Path, name: str, target: Path) -> None:
    """Link a file into the copy of its folder; copy it where the system does not link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = (folder / name).resolve()
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _only_file(folder: Path) -> Path:
    model_files = list(_model_files(folder))
    if len(model_files) > 1:
        shown = ", ".join(path.name for path in model_files[:_MOST_NAMED])
        raise NotAModelError(
            str(folder), f"it is a folder with {len(model_files)} model files, {shown}", "Name one of them."
        )
    return model_files[0] if model_files else folder


def _model_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(_SUFFIXES) and path.is_file() and not path.is_symlink():
            yield path
