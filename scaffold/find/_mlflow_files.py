"""The files of an MLflow model that make the service: one file, or a `PythonModel` with its artifacts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from scaffold.base.facts import as_dict, one_line
from scaffold.base.files import sha256_file
from scaffold.base.folder import FILES, LIST, ModelFolder, is_taken
from scaffold.base.python_function import CONTEXT, PICKLE, context_content
from scaffold.errors import ModelNotFetchedError
from scaffold.find._mlmodel import Description, below
from scaffold.spec import ModelFormat

_FILE_NAMES = (
    "model.pkl",
    "python_model.pkl",
    "model.skops",
    "model.joblib",
    "model.pt",
    "model.pth",
    "model.onnx",
    "model.xgb",
    "model.ubj",
    "model.json",
    "model.lgb",
    "model.txt",
    "model.cb",
    "data/model.pth",
    "data/model.pt2",
    "data/model.keras",
)
"""Where the file is looked for when no flavour names one."""


def model_file(
    folder: Path, description: Description, written: str, work: Path
) -> tuple[Path, tuple[str, ...]]:
    """Return the model's file, or the folder where it has none, and notes on files that are left out.

    Of a `PythonModel` that is the list of its files. Where the model brings modules, they are copied into
    `work` beside the file: modules are looked for there.

    Args:
        folder: The folder of the model.
        description: What its `MLmodel` says.
        written: What a person typed, for messages.
        work: A folder that may be made.

    Raises:
        ModelNotFetchedError: A path leads out of the folder, or its files cannot make a service.
    """
    if description.python_model is not None:
        return _python_function(folder, description, description.python_model, written, work)
    named = [below(folder, name, written) for name in description.names]
    default_files = (below(folder, name, written) for name in _FILE_NAMES)
    file = next((file for file in chain(named, default_files) if file.is_file()), None)
    if file is None or not description.code:
        return file or folder, ()
    return _copy_code(folder, description, file, written, work), ()


def _copy_code(folder: Path, description: Description, file: Path, written: str, work: Path) -> Path:
    """Copy the modules of a model and its file into `work`; return the file there."""
    code = below(folder, description.code, written)
    if not code.is_dir():
        return file
    _require_no_links(code, folder, written)
    shutil.copytree(code, work, ignore=shutil.ignore_patterns("__pycache__", file.name))
    return Path(shutil.copy(file, work / file.name))


def _python_function(
    folder: Path, description: Description, flavor: Mapping[str, Any], written: str, work: Path
) -> tuple[Path, tuple[str, ...]]:
    """Copy the pickle of a `PythonModel`, its artifacts and its modules; return the list of the files.

    Source: `mlflow.pyfunc.model._load_context_model_and_signature` for the keys of the flavour.
    """
    made = work.parent / "python_function"
    pickled = below(folder, _pickle_of(flavor, written), written)
    if not pickled.is_file():
        raise ModelNotFetchedError(written, f"it has no file {pickled.name[:100]!r}", "")
    artifacts = {
        str(name): str(as_dict(artifact).get("path"))
        for name, artifact in as_dict(flavor.get("artifacts")).items()
    }
    sources = {PICKLE: pickled}
    left: list[str] = []
    for path in artifacts.values():
        for source in _files_below(below(folder, path, written), folder, written):
            name = source.relative_to(folder).as_posix()
            if is_taken(ModelFormat.PYTHON_FUNCTION, name) and name not in (PICKLE, CONTEXT):
                sources[name] = source
            else:
                left.append(one_line(name))
    for name, source in sources.items():
        (made / FILES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, made / FILES / name)
    (made / FILES / CONTEXT).write_bytes(_context(artifacts, flavor, written))
    files = {name: sha256_file(made / FILES / name) for name in (*sources, CONTEXT)}
    listed = made / LIST
    listed.write_bytes(ModelFolder(format=ModelFormat.PYTHON_FUNCTION, task="", files=files).content())
    notes = (f"of the artifacts {', '.join(left)} is left out",) if left else ()
    code = below(folder, description.code, written) if description.code else folder / "code"
    if description.code and code.is_dir():
        _require_no_links(code, folder, written)
        ignored = shutil.ignore_patterns("__pycache__", LIST, FILES)
        shutil.copytree(code, made, ignore=ignored, dirs_exist_ok=True)
    return listed, notes


def _pickle_of(flavor: Mapping[str, Any], written: str) -> str:
    """The path of the pickle of a `PythonModel`.

    Raises:
        ModelNotFetchedError: It is made by a script, or compressed.
    """
    if flavor.get("model_code_path"):
        script = one_line(str(flavor["model_code_path"]).rpartition("/")[2])
        cause = f"MLflow makes the model by running {script}, and keeps no object"
        hint = "mlflow.pyfunc.log_model(python_model=MODEL, ...)  # the object in place of the script"
        raise ModelNotFetchedError(written, cause, hint)
    if flavor.get("python_model_compression"):
        cause = f"its pickle is compressed ({one_line(str(flavor['python_model_compression']))})"
        raise ModelNotFetchedError(written, cause, "mlflow.pyfunc.log_model(...)  # without compression")
    return str(flavor.get("python_model"))


def _context(artifacts: dict[str, str], flavor: Mapping[str, Any], written: str) -> bytes:
    try:
        return context_content(artifacts, flavor.get("config"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelNotFetchedError(
            written, "its model_config has values that JSON does not have", ""
        ) from error


def _files_below(path: Path, folder: Path, written: str) -> Iterator[Path]:
    """The file at a path, or the files below a folder there.

    Raises:
        ModelNotFetchedError: There is nothing, or a symbolic link.
    """
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise ModelNotFetchedError(written, f"it has no file {str(path.relative_to(folder))[:100]!r}", "")
    _require_no_links(path, folder, written)
    for top, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(top, name) for name in sorted(names))


def _require_no_links(place: Path, folder: Path, written: str) -> None:
    for path in place.rglob("*"):
        if path.is_symlink():
            raise ModelNotFetchedError(written, f"{path.relative_to(folder)} is a symbolic link", "")
