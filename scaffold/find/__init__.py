"""Where a model comes from: a file for each kind of place, found in `SOURCES`.

A source may need a library that scaffold does not depend on; the error for a missing library names it. A
model in memory has no written form and is no source: `read` writes it to a file.
"""

from __future__ import annotations

from scaffold.find._source import Declared, DeclaredField, FoundModel, Source
from scaffold.find.dvc import DvcSource
from scaffold.find.fsspec import FsspecSource
from scaffold.find.mlflow import MlflowSource
from scaffold.find.path import PathSource
from scaffold.find.store import StoreSource

__all__ = ["SOURCES", "Declared", "DeclaredField", "FoundModel", "Source", "find_model"]


def find_model(written: str) -> FoundModel:
    """Return the model that `written` names, downloaded if it is not on this machine.

    Args:
        written: A path; a folder that MLflow saved; `runs:/` or `models:/` (MLflow); `s3://`, `gs://`, `https://`
            or any other scheme that fsspec knows; a path beside which DVC keeps a `.dvc` file; `store:NAME`.

    Raises:
        ReadError: It leads to no file, or the library that fetches it is not installed.
        StoreError: The store has no such model, or its file was changed.
    """
    return next(source for source in SOURCES if source.recognises(written)).fetch(written)


SOURCES: tuple[Source, ...] = (
    StoreSource(find_model),
    MlflowSource(),
    FsspecSource(),
    DvcSource(),
    PathSource(),
)
"""The first that recognises what a person typed fetches the model."""
