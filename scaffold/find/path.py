"""A path on this machine."""

from __future__ import annotations

from scaffold.find._source import FoundModel, Source, local_path


class PathSource(Source):
    """Any other text. Whether there is a file is checked where it is read."""

    def recognises(self, written: str) -> bool:  # noqa: ARG002
        """Whether it is a path: always."""
        return True

    def follows(self, uri: str) -> bool:  # noqa: ARG002
        """Never: a path in a record may be one of another machine, or of a stranger's choice."""
        return False

    def fetch(self, written: str) -> FoundModel:
        """Return the path."""
        return FoundModel(path=local_path(written), provenance=written)
