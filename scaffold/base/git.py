"""Run git in a project that may be somebody else's: what its `.git` configures is not run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.process import Runner, run_command
from scaffold.base.urls import repository_url
from scaffold.errors import CommandError

_OFF = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "log.showSignature": "false",
    "diff.ignoreSubmodules": "all",  # a submodule has a configuration of its own
}
_NO_FETCH = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
_FILTER = re.compile(r"(filter\..*)\.(clean|smudge|process|required)", re.DOTALL)
_LFS = re.compile(r"git-lfs (clean|smudge|filter-process)( --skip)?( -- %f)?")
_OWN = ("system", "global")


def run_git(root: Path, *arguments: str, run: Runner = run_command) -> str:
    """Return what a git command prints in the project `root`.

    The configuration in a repository may name programs: a monitor of files, hooks, filters, a helper that
    verifies signatures. They are not run; the filters of Git LFS and those of the user's own configuration
    are.

    Raises:
        CommandError: There is no git, no repository, or the command failed.
    """
    listed = run(["git", "config", "--list", "--show-scope", "-z"], cwd=root).stdout
    settings = {**_OFF, **{key: "false" if key.endswith(".required") else "" for key in _filters(listed)}}
    env = {**os.environ, **_NO_FETCH, "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return run(["git", *arguments], cwd=root, env=env).stdout


def revision(root: Path, run: Runner = run_command) -> str:
    """Return the commit of a project, with `-dirty` if something is not committed; nothing without one."""
    try:
        return run_git(root, "describe", "--always", "--abbrev=40", "--dirty", "--match=", run=run).strip()
    except CommandError:
        return ""


def place_in_repository(root: Path, run: Runner = run_command) -> tuple[str, str] | None:
    """Return the URL of the repository that the folder `root` is or will be in, and the path of the folder.

    The URL is that of `origin`, without a password; empty where there is none. None outside of a repository.
    """
    folder = root.absolute()
    missing: list[str] = []
    while not folder.is_dir():
        missing.insert(0, folder.name)
        folder = folder.parent
    try:
        prefix = run_git(folder, "rev-parse", "--show-prefix", run=run).strip("\n")
    except CommandError:
        return None
    try:
        remote = run_git(folder, "config", "--get", "remote.origin.url", run=run).strip()
    except CommandError:
        remote = ""
    return repository_url(remote), (prefix + "/".join(missing)).strip("/")


def _filters(listed: str) -> Iterator[str]:
    """The settings of filters that a repository defines itself, in a listing of `scope NUL key LF value`."""
    fields = listed.split("\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, _, value = setting.partition("\n")
        match = _FILTER.fullmatch(key)
        if match and scope not in _OWN and not _LFS.fullmatch(value):
            yield key
