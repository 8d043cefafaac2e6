"""Where a model comes from: a path, a URL that fsspec opens, an MLflow model, a file that DVC keeps.

Each source but the path needs a library of its own. None of them is ours to install in somebody's training
environment, so what is missing is asked for by name.
"""

from __future__ import annotations

import re
from pathlib import Path

from scaffold.find._remote import from_dvc, from_mlflow, from_url, model_in_folder

__all__ = ["find_model"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}")


def find_model(source: str) -> Path:
    """Return the path of the model file that `source` names, fetched if it is not on this machine.

    Args:
        source: A path; a folder that MLflow saved; `runs:/` or `models:/` (MLflow); `s3://`, `gs://`, `https://`
            or any other scheme that fsspec knows; or a path beside which DVC keeps a `.dvc` file.

    Raises:
        ReadError: It leads to no file, or the library that fetches it is not installed.
    """
    scheme = _SCHEME.match(source)
    if scheme and scheme[1] in ("runs", "models", "mlflow-artifacts"):
        return model_in_folder(from_mlflow(source))
    if scheme and scheme[1] != "file":
        return from_url(source, scheme[1])
    path = Path(source.removeprefix("file://")).expanduser()
    if path.is_dir():
        return model_in_folder(path)
    pointer = path if path.suffix == ".dvc" else path.with_name(path.name + ".dvc")
    if pointer.is_file() and (path.suffix == ".dvc" or not path.exists()):
        return from_dvc(pointer)
    return path
