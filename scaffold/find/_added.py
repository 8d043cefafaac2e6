"""Sources that other packages bring, by the entry points of the group `scaffold.sources`."""

from __future__ import annotations

import functools
from importlib import metadata

from scaffold.errors import ModelNotFetchedError
from scaffold.find._source import Source, scheme_of

GROUP = "scaffold.sources"


def added_source(written: str) -> Source | None:
    """Return the source that a package brings for the scheme of `written`; None where none does.

    The name of an entry point is its scheme: no package is imported for what another source takes.

    Raises:
        ModelNotFetchedError: The package does not import, or brings something else.
    """
    scheme = scheme_of(written)
    return _loaded(scheme) if scheme else None


@functools.cache
def _loaded(scheme: str) -> Source | None:
    for point in metadata.entry_points(group=GROUP):
        if point.name != scheme:
            continue
        where = f"the source of the scheme {scheme}, {point.value}"
        try:
            source = point.load()()
        except Exception as error:
            cause = f"{where}, does not load ({type(error).__name__}: {error})"
            raise ModelNotFetchedError(f"{scheme}:", cause, "") from error
        if not isinstance(source, Source):
            raise ModelNotFetchedError(f"{scheme}:", f"{where}, is no scaffold.find.Source", "")
        return source
    return None
