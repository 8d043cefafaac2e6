"""`gitops` writes what Argo CD or Flux deploys each target by, from the repository that git knows."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import Draft202012Validator

from scaffold.base.urls import repository_url
from scaffold.errors import InvalidAnswerError
from scaffold.render import read_answers
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from scaffold.verbs._repository import locate_repository
from tests.deploy._gitops import SCHEMAS
from tests.deploy._specs import project_spec

URL = "ssh://git@git.example.com/team/titanic.git"


def objects(**answers: JSONValue) -> list[dict[str, Any]]:
    """The objects of the one file, each valid; what it names of the project is there."""
    files = deploy_files(project_spec(answers))
    (path,) = {"deploy/argocd.yaml", "deploy/flux.yaml"} & files.keys()
    found = list(yaml.safe_load_all(files[path]))
    for one in found:
        errors = Draft202012Validator(SCHEMAS[one["apiVersion"], one["kind"]]).iter_errors(one)
        assert [error.message for error in errors] == []
    return found


def test_no_tool_is_asked_for_by_default() -> None:
    assert not {"deploy/argocd.yaml", "deploy/flux.yaml"} & deploy_files(project_spec()).keys()
    assert deploy_files(project_spec({"gitops": "none"})) == deploy_files(project_spec())


def test_argo_cd_gets_an_application_for_each_target() -> None:
    staging, production = objects(gitops="argocd", repository=URL, repository_folder="services/titanic")
    assert staging["spec"]["source"] == {
        "repoURL": URL,
        "targetRevision": "HEAD",
        "path": "services/titanic/deploy/staging",
    }
    assert production["metadata"]["name"] == production["spec"]["destination"]["namespace"]
    assert production["spec"]["destination"]["namespace"] == "titanic-production"


def test_flux_gets_the_repository_once_and_a_kustomization_for_each_target() -> None:
    repository, *rest = objects(gitops="flux", repository="git@git.example.com:team/titanic.git", targets="x")
    assert repository["spec"]["url"] == URL
    assert [each["spec"]["path"] for each in rest] == ["./deploy/x"]
    assert rest[0]["spec"]["sourceRef"]["name"] == repository["metadata"]["name"]


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_an_unknown_repository_is_a_placeholder_that_says_what_to_type(tool: str) -> None:
    text = deploy_files(project_spec({"gitops": tool}))[f"deploy/{tool}.yaml"].decode()
    assert "https://git.example.com/CHANGE-ME/titanic.git" in text
    assert "scaffold update . --answer repository=URL" in text
    assert objects(gitops=tool)
    assert "CHANGE-ME" not in str(objects(gitops=tool, repository=URL))


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@git.example.com:team/titanic.git", URL),
        (URL, URL),
        ("https://git.example.com/team/titanic.git", "https://git.example.com/team/titanic.git"),
        ("https://ada:secret@git.example.com/team/titanic", "https://git.example.com/team/titanic"),
        ("ssh://ada:secret@git.example.com/team/titanic", ""),
        ("/srv/git/titanic.git", ""),
        ("file:///srv/git/titanic.git", ""),
        ("../titanic", ""),
    ],
)
def test_a_remote_is_a_url_without_a_password(remote: str, url: str) -> None:
    assert repository_url(remote) == url


def test_the_repository_of_origin_becomes_an_answer(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    answers: dict[str, JSONValue] = {"gitops": "flux"}
    target = tmp_path / "services/titanic"
    assert locate_repository(answers, target) == answers
    git("init", "-q")
    assert locate_repository(answers, target) == {**answers, "repository_folder": "services/titanic"}
    git("remote", "add", "origin", "https://ada:secret@git.example.com/team/models.git")
    found = locate_repository(answers, target)
    assert found["repository"] == "https://git.example.com/team/models.git"
    assert locate_repository(found, tmp_path / "elsewhere") == found
    own: dict[str, JSONValue] = {**answers, "repository": URL}
    assert locate_repository(own, tmp_path) == {**own, "repository_folder": ""}
    assert locate_repository({"gitops": "none"}, target) == {"gitops": "none"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("gitops", "argo"), ("repository", "https://ada:secret@x.org/y.git"), ("repository_folder", "/x")],
)
def test_an_answer_that_no_manifest_can_hold_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidAnswerError) as caught:
        read_answers({"gitops": "flux", name: value})
    assert f"The answer '{name}' is" in str(caught.value)
    assert "secret" not in str(caught.value)
