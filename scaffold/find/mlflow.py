"""A model of MLflow: a URI (`models:/`, `runs:/`, `mlflow-artifacts:/`) or a folder with an `MLmodel`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaffold.base.yaml_text import yaml_document
from scaffold.errors import ModelNotFetchedError
from scaffold.find._source import (
    FoundModel,
    Source,
    download_folder,
    imported,
    line_of,
    local_path,
    scheme_of,
)

_SCHEMES = ("runs", "models", "mlflow-artifacts")
_DESCRIPTION = "MLmodel"
_FILE_KEYS = ("model_path", "pickled_model", "data", "model_data", "path")
"""What the flavours of an `MLmodel` call their file."""
_FILE_NAMES = (
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
"""Where the file is looked for when no flavour names one."""


class MlflowSource(Source):
    """A tracking server, a model registry, or a folder that `save_model` wrote."""

    def recognises(self, written: str) -> bool:
        """Whether it is a URI of MLflow or a folder with an `MLmodel`."""
        return scheme_of(written) in _SCHEMES or (local_path(written) / _DESCRIPTION).is_file()

    def fetch(self, written: str) -> FoundModel:
        """Return the model's own file; the folder where it has none.

        Raises:
            ModelNotFetchedError: mlflow is missing, or its server does not give the model.
        """
        folder = _downloaded(written) if scheme_of(written) in _SCHEMES else local_path(written)
        return FoundModel(path=_model_file(folder), provenance=written)


def _downloaded(uri: str) -> Path:
    artifacts = imported("mlflow.artifacts", uri, "mlflow-skinny")
    try:
        return Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=str(download_folder())))
    except Exception as error:
        raise ModelNotFetchedError(uri, line_of(error), "") from error


def _model_file(folder: Path) -> Path:
    files = [folder / name for name in (*_named_files(folder / _DESCRIPTION), *_FILE_NAMES)]
    return next((file for file in files if file.is_file()), folder)


def _named_files(description: Path) -> Iterator[str]:
    """Yield the files that the flavours of an `MLmodel` name."""
    import yaml

    try:
        flavors = yaml_document(description.read_text(encoding="utf-8"))["flavors"].values()
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError):
        return
    for flavor in flavors:
        for key in _FILE_KEYS:
            if isinstance(flavor, dict) and isinstance(flavor.get(key), str):
                yield flavor[key]
