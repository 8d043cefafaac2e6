"""Logins in the manner of ECR, Artifact Registry, ACR and GHCR, at a registry on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.errors import RegistryLoginError, RepositoryNotFoundError, UploadError
from scaffold.image._tar import Blob
from scaffold.image.registry._credentials import Credentials, stored_credentials
from tests.image._fake_logins import BasicLogin, FakeLogin, TokenLogin, basic
from tests.image._fake_registry import FakeRegistry
from tests.image.test_registry import blob, docker_config, ignore, repository

__all__ = ["blob", "docker_config"]  # fixtures

NO_USER = "00000000-0000-0000-0000-000000000000"
KEY_FILE = json.dumps({"type": "service_account", "private_key": "-----BEGIN\né\n-----END"}, indent=2)


@pytest.mark.parametrize(
    ("login", "credentials"),
    [
        (BasicLogin("AWS", "token"), Credentials(username="AWS", password="token")),
        (
            TokenLogin("oauth2accesstoken", "ya29", token_path="/v2/token"),
            Credentials(username="oauth2accesstoken", password="ya29"),
        ),
        (TokenLogin("_json_key", KEY_FILE), Credentials(username="_json_key", password=KEY_FILE)),
        (
            TokenLogin(refresh_token="refresh", token_path="/oauth2/token", key="access_token"),
            Credentials(identity_token="refresh"),
        ),
        (TokenLogin(NO_USER, "refresh"), Credentials(username=NO_USER, password="refresh")),
        (TokenLogin("ada", "ghp_token"), Credentials(username="ada", password="ghp_token")),
        (
            TokenLogin("ada", "pässwörd", other_challenge='Basic realm="x", '),
            Credentials(username="ada", password="pässwörd"),
        ),
        (
            TokenLogin("ada", "ghp_token", last_challenge=', Basic realm="x", service="y"'),
            Credentials(username="ada", password="ghp_token"),
        ),
    ],
    ids=[
        "ECR",
        "GAR access token",
        "GAR key file",
        "ACR token",
        "ACR user",
        "GHCR",
        "Basic first",
        "Basic last",
    ],
)
def test_each_kind_of_login_pushes(
    registry: FakeRegistry, blob: Blob, login: FakeLogin, credentials: Credentials
) -> None:
    registry.login = login
    target = repository(registry, credentials)
    assert not target.has_blob(blob.digest)
    target.push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    registry.asked.clear()
    target.has_blob(blob.digest)
    assert len(registry.asked) == 1, "the login is kept"


def test_what_az_acr_login_stores_is_used(registry: FakeRegistry, blob: Blob, docker_config: Path) -> None:
    auth = basic(NO_USER, "").removeprefix("Basic ")
    entry = {registry.address: {"auth": auth, "identitytoken": "refresh"}}
    (docker_config / "config.json").write_text(json.dumps({"auths": entry}))
    registry.login = TokenLogin(refresh_token="refresh", key="access_token")
    repository(registry, stored_credentials(registry.address)).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


def test_an_upload_with_the_statuses_and_addresses_of_ecr_succeeds(
    registry: FakeRegistry, blob: Blob
) -> None:
    registry.patched, registry.places = 201, f"http://{registry.address}"
    registry.login = BasicLogin("AWS", "token")
    repository(registry, Credentials(username="AWS", password="token")).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_token_that_expires_during_an_upload_is_renewed_once(
    registry: FakeRegistry, blob: Blob, method: str
) -> None:
    registry.login = login = TokenLogin("ada", "secret")
    target = repository(registry, Credentials(username="ada", password="secret"))
    target.has_blob(blob.digest)
    login.expires_before = [method]
    target.push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    assert login.scopes == ["repository:team/churn:pull,push"] * 2
    assert not registry.uploads


def test_a_token_for_reading_is_replaced_for_a_push(registry: FakeRegistry, blob: Blob) -> None:
    registry.login = login = TokenLogin("ada", "secret")
    registry.put_manifest("team/churn", "1", {}, "application/json")
    target = repository(registry, Credentials(username="ada", password="secret"))
    content, media_type, _ = target.manifest("1")
    target.put_manifest("2", content, media_type)
    assert login.scopes == ["repository:team/churn:pull", "repository:team/churn:pull,push"]


def test_an_overloaded_token_service_is_asked_again(registry: FakeRegistry, blob: Blob) -> None:
    registry.login = login = TokenLogin("ada", "secret", failures=2)
    repository(registry, Credentials(username="ada", password="secret")).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    login.failures = 99
    with pytest.raises(UploadError, match="503 Server Error"):
        repository(registry, Credentials(username="ada", password="secret")).push_blob(blob, ignore)


def test_a_login_that_is_refused_after_it_was_good_is_reported(registry: FakeRegistry, blob: Blob) -> None:
    registry.login = login = BasicLogin("AWS", "token")
    target = repository(registry, Credentials(username="AWS", password="token"))
    target.has_blob(blob.digest)
    login.password = "another"
    with pytest.raises(RegistryLoginError, match="refused the login of 'AWS'"):
        target.push_blob(blob, ignore)


ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("reference", "command"),
    [
        (f"{ECR}/team/churn", "aws ecr create-repository --repository-name team/churn --region eu-central-1"),
        (
            "europe-west3-docker.pkg.dev/project/team/churn",
            (
                "gcloud artifacts repositories create team --repository-format=docker"
                " --location=europe-west3 --project=project"
            ),
        ),
    ],
)
def test_the_command_that_creates_a_repository_is_named(reference: str, command: str) -> None:
    assert str(RepositoryNotFoundError(reference, "unknown", pushed=True)) == (
        f"The registry does not know {reference}.\n  unknown\n"
        f"This registry wants a repository created before the first push:\n  {command}"
    )
    assert str(RepositoryNotFoundError(reference)).endswith("Look at the name and the tag.")


@pytest.mark.parametrize(
    ("registry_host", "command"),
    [
        (
            ECR,
            (
                "aws ecr get-login-password --region eu-central-1"
                f" | docker login --username AWS --password-stdin {ECR}"
            ),
        ),
        ("europe-west3-docker.pkg.dev", "gcloud auth configure-docker europe-west3-docker.pkg.dev"),
        ("team.azurecr.io", "az acr login --name team"),
    ],
)
def test_the_command_that_logs_in_at_a_cloud_is_named(registry_host: str, command: str) -> None:
    message = str(RegistryLoginError(registry_host, None, "team/project/churn", ""))
    assert message.splitlines()[-1] == f"  {command}"
