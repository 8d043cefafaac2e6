"""Where a model comes from: a file for each kind of place, found in `SOURCES`.

A source may need a library that scaffold does not depend on; the error for a missing library names it. A
model in memory has no written form and is no source: `read` writes it to a file.
"""

from __future__ import annotations

from scaffold.base.files import sha256_file
from scaffold.base.urls import without_credentials
from scaffold.errors import ModelNotFetchedError
from scaffold.find._added import added_source
from scaffold.find._source import Declared, DeclaredField, FoundModel, Source
from scaffold.find.dvc import DvcSource
from scaffold.find.fsspec import FsspecSource
from scaffold.find.mlflow import MlflowSource
from scaffold.find.path import PathSource
from scaffold.find.store import StoreSource
from scaffold.spec import Origin

__all__ = [
    "SOURCES",
    "Declared",
    "DeclaredField",
    "FoundModel",
    "Origin",
    "Source",
    "brings_sample",
    "find_model",
    "find_newer",
    "server_asked",
]


def find_model(written: str) -> FoundModel:
    """Return the model that `written` names, downloaded if it is not on this machine.

    Args:
        written: A path; a folder that MLflow saved; `runs:/` or `models:/` (MLflow); `s3://`, `gs://`, `https://`
            or any other scheme that fsspec knows or a package brings; a path beside which DVC keeps a `.dvc`
            file; `dvc:PATH`; `dvc://HOST/REPOSITORY@REVISION/PATH`; `store:NAME`,
            `store:NAME/VERSION`, `store:NAME@ALIAS`.

    Raises:
        ReadError: It leads to no file, or the library that fetches it is not installed.
        StoreError: The store has no such model, or its file was changed.
    """
    return _source_of(written).fetch(written)


def brings_sample(model: object) -> bool:
    """Whether the source of `model` (as for `find_model`) may have a sample of the model."""
    if not isinstance(model, str):
        return False
    return _source_of(model).brings_sample


def find_newer(origin: Origin) -> FoundModel | None:
    """Return the current model of a source; None if that is still the model of `origin`.

    Raises:
        ReadError: The source does not return the model, or does not follow URIs of this kind.
        StoreError: As for `find_model`.
    """
    source = _source_of(origin.uri)
    if not source.follows(origin.uri):
        cause = "a path, or a URL of this kind, is not followed"
        raise ModelNotFetchedError(without_credentials(origin.uri), cause, "")
    written = source.newer(origin)
    if written is None:
        return None
    model = source.fetch(written)
    same_file = model.path.is_file() and sha256_file(model.path) == origin.sha256
    version = model.origin.version if model.origin else ""
    return None if same_file and (version == origin.version or not source.brings_sample) else model


def server_asked(origin: Origin) -> str:
    """Return the server that `find_newer` asks; empty where the URI itself names it.

    A record may name another server, but only the environment says which one is asked.
    """
    return _source_of(origin.uri).server


def _source_of(written: str) -> Source:
    """The first of our own sources but the general ones, one that a package brings, or a general one."""
    recognising = [source for source in SOURCES if source.recognises(written)]
    if isinstance(recognising[0], FsspecSource | PathSource):
        return added_source(written) or recognising[0]
    return recognising[0]


SOURCES: tuple[Source, ...] = (
    StoreSource(find_model),
    MlflowSource(),
    DvcSource(),
    FsspecSource(),
    PathSource(),
)
"""The first that recognises what a person typed fetches the model."""
