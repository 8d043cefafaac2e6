"""A registered model: `store:NAME` (the version that was registered last) or `store:NAME/VERSION`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from scaffold.base.files import sha256_file
from scaffold.errors import ModelMovedError, UnknownModelError
from scaffold.find._source import FoundModel, Source
from scaffold.spec import Origin

_SCHEME = "store:"


class StoreSource(Source):
    """The store has the place and the hash of a model; the file is fetched from that place."""

    def __init__(self, find: Callable[[str], FoundModel]) -> None:
        self._find = find

    def recognises(self, written: str) -> bool:
        """Whether it names a registered model."""
        return written.startswith(_SCHEME)

    def fetch(self, written: str) -> FoundModel:
        """Fetch the file from the place that was registered.

        Raises:
            StoreError: The store has no such model, or its file is not the one that was registered.
        """
        from scaffold.store import open_store

        name, _, version = written.removeprefix(_SCHEME).partition("/")
        with closing(open_store()) as opened:
            model = opened.find_model(name, version or None)
        if model is None:
            raise UnknownModelError(name, version)
        path = self._find(model.location).path
        if not path.is_file() or sha256_file(path) != model.sha256:
            raise ModelMovedError(name, model.version, model.by, model.at, model.location)
        origin = Origin(uri=written, version=model.version)
        return FoundModel(path=path, provenance=f"{_SCHEME}{model.name}/{model.version}", origin=origin)

    def newer(self, origin: Origin) -> str | None:
        """Return the model that was registered last, if it is another version."""
        from scaffold.store import open_store

        name, _, version = origin.uri.removeprefix(_SCHEME).partition("/")
        with closing(open_store()) as opened:
            model = opened.find_model(name)
        if model is None:
            raise UnknownModelError(name)
        if model.version == origin.version:
            return None
        return f"{_SCHEME}{name}/{model.version}" if version else origin.uri
