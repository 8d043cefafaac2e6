"""The git repository that a GitOps tool deploys a project from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scaffold.base.git import place_in_repository
from scaffold.spec import JSONValue


def locate_repository(answers: Mapping[str, JSONValue], root: Path) -> Mapping[str, JSONValue]:
    """Return the answers, with the repository of the project `root` if a GitOps tool is to deploy from it.

    What git knows becomes an answer and is recorded: an update in another checkout writes the same files.
    """
    if answers.get("gitops", "none") == "none" or {"repository", "repository_folder"} <= answers.keys():
        return answers
    place = place_in_repository(root)
    if place is None:
        return answers
    repository, folder = place
    remote = {"repository": repository} if repository else {}
    return {**remote, "repository_folder": folder, **answers}
