"""Fetch a model from where another tool keeps it."""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from pathlib import Path
from types import ModuleType

from scaffold.base.process import Runner, run_command
from scaffold.errors import CommandError, ModelNotFetchedError

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hf": "huggingface_hub",
}
_MODEL_FILE = re.compile(r"^\s*(?:model_path|pickled_model|data|model_data|path):\s*(\S+)\s*$", re.MULTILINE)
_NAMES = (
    "model.pkl",
    "python_model.pkl",
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
)


def from_url(url: str, scheme: str) -> Path:
    """The file that a URL names, copied into a folder of its own.

    Raises:
        ModelNotFetchedError: fsspec or the package for this scheme is missing, or the copy failed.
    """
    fsspec = _imported("fsspec", url, " ".join(dict.fromkeys(["fsspec", _PACKAGES.get(scheme, "fsspec")])))
    target = _folder() / (url.partition("?")[0].rstrip("/").rpartition("/")[2] or "model")
    try:
        filesystem, place = fsspec.core.url_to_fs(url)
        filesystem.get_file(place, str(target))
    except ImportError as error:
        package = _PACKAGES.get(scheme, str(error.name or scheme))
        raise ModelNotFetchedError(url, f"{scheme}:// needs {package}", f"pip install {package}") from error
    except Exception as error:
        # Every filesystem has errors of its own; none of them carries a credential in its first line.
        raise ModelNotFetchedError(url, _first_line(error), "") from error
    return target


def from_mlflow(uri: str) -> Path:
    """The folder of a model that MLflow keeps.

    Raises:
        ModelNotFetchedError: mlflow is missing, or its server does not give the model.
    """
    artifacts = _imported("mlflow.artifacts", uri, "mlflow-skinny")
    try:
        return Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=str(_folder())))
    except Exception as error:
        raise ModelNotFetchedError(uri, _first_line(error), "") from error


def model_in_folder(folder: Path) -> Path:
    """The model's own file in a folder that MLflow saved; the folder itself if there is none."""
    described = folder / "MLmodel"
    if not described.is_file():
        return folder
    names = [*_MODEL_FILE.findall(described.read_text(encoding="utf-8")), *_NAMES]
    files = [folder / name.strip("'\"") for name in names]
    return next((file for file in files if file.is_file()), folder)


def from_dvc(pointer: Path, *, run: Runner = run_command) -> Path:
    """The file that a `.dvc` file stands for, fetched with the `dvc` command.

    Raises:
        ModelNotFetchedError: The command is missing or its remote does not have the file.
    """
    path = pointer.with_suffix("")
    try:
        run(["dvc", "pull", pointer.name], cwd=pointer.parent)
    except CommandError as error:
        if error.status == 127:
            raise ModelNotFetchedError(
                str(pointer), "the command dvc is missing", "pip install dvc"
            ) from error
        raise ModelNotFetchedError(str(pointer), _first_line(error, -1), f"dvc pull {pointer}") from error
    return path


def _imported(module: str, source: str, packages: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ModelNotFetchedError(source, f"{name} is not installed", f"pip install {packages}") from error


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="scaffold-model-", dir=os.environ.get("TMPDIR")))


def _first_line(error: Exception, index: int = 0) -> str:
    lines = str(error).strip().splitlines()
    return lines[index] if lines else type(error).__name__
