"""A path on this machine."""

from __future__ import annotations

from scaffold.base.files import is_folder
from scaffold.find._folder import model_in
from scaffold.find._source import Declared, FoundModel, Source, local_path


class PathSource(Source):
    """Any other text is a path. The reader checks whether the file exists."""

    def recognises(self, written: str) -> bool:  # noqa: ARG002
        """Always true: every text may be a path."""
        return True

    def follows(self, uri: str) -> bool:  # noqa: ARG002
        """Never: a path in a record may be from another machine, or chosen by an attacker."""
        return False

    def fetch(self, written: str) -> FoundModel:
        """Return the path; for a folder the model in it.

        Raises:
            NotAModelError: A folder has several models, or one that is not read.
        """
        path, declared = local_path(written), Declared()
        if is_folder(path):
            path, declared = model_in(path)
        return FoundModel(path=path, provenance=written, declared=declared)
