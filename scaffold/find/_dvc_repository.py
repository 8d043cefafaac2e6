"""A DVC repository at a revision of git: `dvc://host/team/models@main/models/churn.pkl`."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from scaffold.base.checked import is_safe_path
from scaffold.base.nearest import nearest
from scaffold.base.process import Runner
from scaffold.base.urls import REPOSITORY, without_credentials
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find._dvc_files import LOCK, STAGES, Kept, kept_at, metric_files
from scaffold.find._source import download_folder

FOLLOWED = "SCAFFOLD_DVC_REPOS"
"""The variable with the repositories that may be contacted for a project record by another author."""
_WRITTEN = re.compile(
    r"dvc(?:\+(?P<scheme>http|ssh))?://(?P<place>(?:(?<=ssh://)[\w.-]+@)?[^\s@]*)@(?P<rev>[^/@]+)/(?P<path>.+)"
)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ANSWER_S, _FETCH_S = 10.0, 120.0
_KILLED = 124
"""The status of a command that took too long."""
_NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:file"}
_UNLIKE = "it is no address of a file in a DVC repository"
_NAME_IT = (
    "Write dvc://HOST/TEAM/REPOSITORY@REVISION/PATH (dvc+ssh://git@HOST/..., dvc:///FOLDER@REVISION/PATH)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path at a revision of a repository."""

    repository: str
    """A URL of https, http or ssh, or a folder of this machine."""
    revision: str
    path: str

    @property
    def is_local(self) -> bool:
        """Whether the repository is a folder."""
        return "://" not in self.repository


def parse_place(written: str) -> Place:
    """Return what a `dvc://` URL names.

    Raises:
        ModelNotFetchedError: It names no repository, no revision or no path.
    """
    unlike = ModelNotFetchedError(without_credentials(written), _UNLIKE, _NAME_IT)
    match = _WRITTEN.fullmatch(written)
    if match is None:
        raise unlike
    place, revision, path = match["place"], unquote(match["rev"]), match["path"]
    local = place.startswith(("/", ".")) and not match["scheme"]
    repository = place if local else f"{match['scheme'] or 'https'}://{place}"
    is_repository = local or REPOSITORY.fullmatch(repository)
    if not is_repository or not _REVISION.fullmatch(revision) or not is_safe_path(path):
        raise unlike
    return Place(
        repository=str(Path(place).absolute()) if local else repository, revision=revision, path=path
    )


def is_named(place: Place) -> bool:
    """Whether the user's environment lists the repository among those that updates may contact."""
    named = os.environ.get(FOLLOWED, "").split()
    return not place.is_local and _plain(place.repository) in map(_plain, named)


def _plain(url: str) -> str:
    return url.removesuffix("/").removesuffix(".git")


def commits_of(written: str, place: Place, run: Runner) -> list[str]:
    """Return the commits that the revision currently names in the repository.

    Raises:
        ModelNotFetchedError: The repository does not answer.
    """
    command = ["git", "ls-remote", "--", place.repository, place.revision, f"{place.revision}^{{}}"]
    # Not in the current folder: its repository may configure programs that git runs.
    listed = _git(written, place, command, download_folder(), run, _ANSWER_S)
    return [line.split("\t")[0] for line in listed.splitlines()]


def described(written: str, place: Place, run: Runner) -> tuple[Kept, str]:
    """Return the DVC entry of the path, with its commit. No file of the repository is checked out.

    Raises:
        ModelNotFetchedError: There is no such repository, revision or path.
    """
    _require_revision(written, place, run)
    folder = download_folder()
    git, files = folder / "git", folder / "files"
    _git(written, place, ["git", "init", "-q", "--bare", str(git)], folder, run, _ANSWER_S)
    fetch = ["git", "fetch", "-q", "--no-tags", "--depth=1", "--", place.repository, place.revision]
    _git(written, place, fetch, git, run, _FETCH_S)
    commit = _git(written, place, ["git", "rev-parse", "FETCH_HEAD"], git, run, _ANSWER_S).strip()

    def copy(name: str) -> None:
        with contextlib.suppress(CommandError):
            text = run(["git", "cat-file", "blob", f"{commit}:{name}"], cwd=git).stdout
            target = files / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    path = Path(place.path)
    for name in (f"{path}.dvc", *(str(each / name) for each in path.parents for name in (LOCK, STAGES))):
        copy(name)
    kept = kept_at(files / path)
    if kept is None:
        cause = f"DVC keeps no {place.path} at {place.revision}"
        raise ModelNotFetchedError(written, cause, f"dvc list -R {place.repository} --rev {place.revision}")
    beside = kept.described_in.parent.relative_to(files)
    for metrics in metric_files(kept):
        if is_safe_path(metrics):
            copy(str(beside / metrics))
    return kept, commit


def _require_revision(written: str, place: Place, run: Runner) -> None:
    """Raise ModelNotFetchedError where the repository does not answer, or has no such branch or tag."""
    command = ["git", "ls-remote", "--", place.repository]
    listed = _git(written, place, command, download_folder(), run, _ANSWER_S)
    references = [line.partition("\t")[2].split("/", 2) for line in listed.splitlines()]
    names = {each[2].removesuffix("^{}") for each in references if each[1:2] in (["heads"], ["tags"])}
    if place.revision in names or _COMMIT.fullmatch(place.revision):
        return
    if place.revision == "HEAD" or place.revision.startswith("refs/"):
        return
    shown = nearest(place.revision, sorted(names))
    suggestion = f"; nearest: {', '.join(shown)}" if shown else ""
    cause = f"{without_credentials(place.repository)} has no branch or tag '{place.revision}'{suggestion}"
    raise ModelNotFetchedError(written, cause, "")


def _git(written: str, place: Place, command: list[str], folder: Path, run: Runner, limit_s: float) -> str:
    try:
        return run(command, cwd=folder, env={**os.environ, **_NO_QUESTIONS}, timeout_s=limit_s).stdout
    except CommandError as error:
        if error.status == _KILLED:
            cause = f"{place.repository} does not answer in {limit_s:g} s"
            raise ModelNotFetchedError(written, without_credentials(cause), "") from error
        messages = [line for line in str(error).splitlines() if line.startswith("fatal: ")]
        cause = messages[0].removeprefix("fatal: ") if messages else f"git ended with status {error.status}"
        raise ModelNotFetchedError(written, cause.rstrip("."), "") from error
