"""Where a model comes from, as its source tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The place that a model was fetched from, without credentials; an update asks that place again."""

    uri: str
    """What was typed: `models:/Titanic@champion`, `s3://bucket/model.pkl`; empty for a local file."""
    server: str = ""
    """The server that was asked, for a URI that does not name it."""
    version: str = ""
    """The version that was found: of a registry, of an object store; an ETag; the md5 that DVC has."""
    run: str = ""
    """The run that trained the model."""
    revision: str = ""
    """The git revision of the code that trained it."""
    sha256: str = ""
    """Of the file that the source gave."""
    params: tuple[tuple[str, str], ...] = ()
    """The parameters of the training, by name."""
    metrics: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
