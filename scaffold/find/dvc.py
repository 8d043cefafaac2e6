"""A file that DVC keeps: a `.dvc` file, or a path that is absent while its `.dvc` file is there."""

from __future__ import annotations

from pathlib import Path

from scaffold.base.files import is_file
from scaffold.base.process import Runner, run_command
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find._source import FoundModel, Source, line_of, local_path

_MISSING_COMMAND = 127
"""The exit status of a command that is not installed."""


class DvcSource(Source):
    """What `dvc pull` brings."""

    def __init__(self, *, run: Runner = run_command) -> None:
        self._run = run

    def recognises(self, written: str) -> bool:
        """Whether DVC keeps the file and it is not here yet."""
        path = local_path(written)
        return is_file(_pointer(path)) and (path.suffix == ".dvc" or not path.exists())

    def follows(self, uri: str) -> bool:  # noqa: ARG002
        """Never: a file of DVC is a path."""
        return False

    def fetch(self, written: str) -> FoundModel:
        """Pull the file.

        Raises:
            ModelNotFetchedError: The command `dvc` is missing, or its remote does not have the file.
        """
        pointer = _pointer(local_path(written))
        try:
            self._run(["dvc", "pull", pointer.name], cwd=pointer.parent)
        except CommandError as error:
            if error.status == _MISSING_COMMAND:
                missing = "the command dvc is missing"
                raise ModelNotFetchedError(str(pointer), missing, "pip install dvc") from error
            raise ModelNotFetchedError(str(pointer), line_of(error, -1), f"dvc pull {pointer}") from error
        return FoundModel(path=pointer.with_suffix(""), provenance=written)


def _pointer(path: Path) -> Path:
    return path if path.suffix == ".dvc" else path.parent / f"{path.name}.dvc"
