"""A file that DVC keeps: in the repository where a person is (`model.pkl`, `dvc:model.pkl`) or at `dvc://`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scaffold.base.checked import is_safe_path
from scaffold.base.facts import facts
from scaffold.base.files import is_folder
from scaffold.base.git import revision
from scaffold.base.process import Runner, run_command
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find._dvc_files import Kept, is_as_kept, kept_at, metrics_of, params_of
from scaffold.find._dvc_repository import FOLLOWED, Place, commits_of, described, is_named, parse_place
from scaffold.find._folder import model_in
from scaffold.find._source import (
    Declared,
    FoundModel,
    Source,
    download_folder,
    line_of,
    local_path,
    scheme_of,
)
from scaffold.spec import Origin

_MISSING_COMMAND = 127
"""The exit status of a command that is not installed."""
_HERE = "dvc:"
_REMOTE = ("dvc://", "dvc+ssh://", "dvc+http://")


class DvcSource(Source):
    """A file that `dvc pull` fetches, with the parameters and metrics of the stage that wrote it."""

    def __init__(self, *, run: Runner = run_command) -> None:
        self._run = run

    def recognises(self, written: str) -> bool:
        """Whether DVC keeps the file: a `.dvc` file is beside it, or a stage in a `dvc.lock` makes it."""
        if written.startswith((_HERE, *_REMOTE)):
            return True
        return scheme_of(written) in ("", "file") and kept_at(local_path(written)) is not None

    def fetch(self, written: str) -> FoundModel:
        """Return the file from the workspace, or pull it if it is missing.

        Raises:
            ModelNotFetchedError: The command `dvc` is missing, or its remote does not have the file.
        """
        if written.startswith(_REMOTE):
            return self._fetch_remote(written, parse_place(written))
        if written.startswith(_HERE):
            kept = _kept_here(written)
        else:
            pointer = kept_at(local_path(written))
            assert pointer is not None
            kept = pointer
        if not kept.path.exists():
            self._dvc(written, ["pull", kept.target], kept.described_in.parent, str(kept.described_in.parent))
        origin = Origin(uri=_here(kept), revision=revision(kept.described_in.parent, self._run))
        model = _build_model(written, kept, kept.path, origin)
        if is_as_kept(kept):
            return model
        note = f"{kept.path.name} is another file than {kept.described_in.name} has: dvc status"
        declared = model.declared
        return replace(model, declared=replace(declared, notes=(*declared.notes, note)))

    def follows(self, uri: str) -> bool:
        """Whether it is a path in the user's current repository, which is only read, or a `dvc://` URL."""
        return uri.startswith((_HERE, *_REMOTE))

    def newer(self, origin: Origin) -> str | None:
        """Return the URI if DVC now has another file at that path.

        No command runs for a repository that only the record names, and none that writes in the current one.
        """
        uri = origin.uri
        if uri.startswith(_REMOTE):
            return self._newer_remote(origin, parse_place(uri))
        kept = _kept_here(uri)
        if kept.md5 == origin.version:
            return None
        if not is_as_kept(kept):
            cause = f"{kept.described_in.name} has another version than is here"
            raise ModelNotFetchedError(uri, cause, f"dvc pull {_relative(kept.path)}")
        return uri

    def _newer_remote(self, origin: Origin, place: Place) -> str | None:
        if not is_named(place):
            cause = f"git and dvc run for a repository that {FOLLOWED} names, and for no other in a record"
            raise ModelNotFetchedError(origin.uri, cause, f"export {FOLLOWED}={place.repository}")
        commits = commits_of(origin.uri, place, self._run)
        if origin.revision in (*commits, place.revision):
            return None
        kept, _ = described(origin.uri, place, self._run)
        return None if kept.md5 and kept.md5 == origin.version else origin.uri

    def _fetch_remote(self, written: str, place: Place) -> FoundModel:
        kept, commit = described(written, place, self._run)
        target = download_folder() / kept.path.name
        command = ["get", "--rev", commit, "-o", str(target), "--", place.repository, place.path]
        self._dvc(written, command, target.parent, "")
        uri = "" if place.is_local else written
        return _build_model(written, kept, target, Origin(uri=uri, revision=commit))

    def _dvc(self, written: str, arguments: list[str], folder: Path, again_in: str) -> None:
        try:
            self._run(["dvc", *arguments], cwd=folder)
        except CommandError as error:
            if error.status == _MISSING_COMMAND:
                missing = "the command dvc is missing"
                raise ModelNotFetchedError(written, missing, "pip install dvc") from error
            again = f"dvc pull {Path(again_in) / arguments[-1]}" if again_in else ""
            raise ModelNotFetchedError(written, _cause(error), again) from error


def _build_model(written: str, kept: Kept, path: Path, origin: Origin) -> FoundModel:
    """Build the model at `path` from its DVC entry."""
    dvc_origin = replace(
        origin,
        version=kept.md5,
        params=facts(list(params_of(kept))),
        metrics=facts(list(metrics_of(kept))),
    )
    model, declared = model_in(path) if is_folder(path) else (path, Declared())
    return FoundModel(path=model, provenance=written, origin=dvc_origin, declared=declared)


def _kept_here(uri: str) -> Kept:
    """What `dvc:PATH` names in the DVC repository of the current folder.

    Raises:
        ModelNotFetchedError: The current folder is in no such repository, or DVC keeps no such file in it.
    """
    name, root = uri.removeprefix(_HERE), _root(Path.cwd())
    if root is None:
        cause = "the current folder is in no DVC repository"
        raise ModelNotFetchedError(uri, cause, f"cd REPOSITORY  # the one that has {name}")
    kept = kept_at(root / name) if is_safe_path(name) else None
    if kept is None:
        raise ModelNotFetchedError(uri, f"DVC keeps no such file in {root}", "dvc list -R .")
    return kept


def _here(kept: Kept) -> str:
    """The URI of a file in its repository; empty where an update could not follow it."""
    path = kept.path.absolute()
    root = _root(path.parent)
    name = path.relative_to(root).as_posix() if root else ""
    return f"{_HERE}{name}" if name and kept.md5 and is_safe_path(name) else ""


def _root(folder: Path) -> Path | None:
    """The DVC repository that a folder is in."""
    return next((each for each in (folder, *folder.parents) if is_folder(each / ".dvc")), None)


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _cause(error: CommandError) -> str:
    """Return the first error line of DVC; the lines after it are advice."""
    messages = [line for line in str(error).splitlines() if line.startswith("ERROR: ")]
    return messages[0].removeprefix("ERROR: ").rstrip(":") if messages else line_of(error, -1)
