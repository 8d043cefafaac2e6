"""The registry client against real servers on loopback: failures, logins and refusals."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from scaffold.errors import (
    CredentialHelperError,
    DiskFullError,
    DockerConfigError,
    ImageError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UploadError,
    UsageError,
)
from scaffold.image._disk import needs_room
from scaffold.image._tar import Blob
from scaffold.image.registry._credentials import Credentials, explicit_credentials, stored_credentials
from scaffold.image.registry._reference import is_loopback, parse_reference
from scaffold.image.registry._repository import Repository
from scaffold.image.registry._requests import Patience
from tests.image._fake_registry import FakeRegistry, serving_registry

HASTY = Patience(attempts=4, wait_s=0.001)


def repository(registry: FakeRegistry, credentials: Credentials | None = None) -> Repository:
    return Repository(parse_reference(f"{registry.address}/team/churn:1"), credentials, patience=HASTY)


@pytest.fixture
def blob(tmp_path: Path) -> Blob:
    content = os.urandom(400_000)
    path = tmp_path / "blob"
    path.write_bytes(content)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Blob(digest=digest, size_bytes=len(content), media_type="application/octet-stream", path=path)


def ignore(_: int) -> None:
    """Watch no bytes."""


def test_a_pushed_blob_is_there_and_the_same(registry: FakeRegistry, blob: Blob) -> None:
    target = repository(registry)
    assert not target.has_blob(blob.digest)
    target.push_blob(blob, ignore)
    assert target.has_blob(blob.digest)
    assert blob.path is not None
    assert registry.blobs["team/churn"][blob.digest] == blob.path.read_bytes()


def test_an_interrupted_upload_is_resumed(registry: FakeRegistry, blob: Blob) -> None:
    registry.drops = 2
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    # What arrived before a break is not sent again.
    assert sum(request.startswith("POST") for request in registry.asked) == 1


def test_an_upload_that_the_registry_forgot_is_restarted(registry: FakeRegistry, blob: Blob) -> None:
    registry.drops, registry.resumable = 1, False
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    assert sum(request.startswith("POST") for request in registry.asked) == 2


def test_an_upload_that_fails_each_time_says_how_often(registry: FakeRegistry, blob: Blob) -> None:
    registry.drops = 99
    with pytest.raises(UploadError) as caught:
        repository(registry).push_blob(blob, ignore)
    message = str(caught.value)
    assert message.startswith(f"The connection to {registry.address} broke 4 times over a layer of 0 MB: ")
    assert "s3cr3t" not in message


@pytest.mark.parametrize("ends", ["given up", "interrupted", "refused"])
def test_an_unfinished_upload_is_deleted(registry: FakeRegistry, blob: Blob, ends: str) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    registry.drops = 99 if ends == "given up" else 0
    registry.capacity = 1000 if ends == "refused" else None
    on_bytes = interrupt if ends == "interrupted" else ignore
    with pytest.raises((UploadError, DiskFullError, KeyboardInterrupt)):
        repository(registry).push_blob(blob, on_bytes)
    assert registry.uploads == {}


def test_an_upload_of_which_nothing_arrived_is_replaced(registry: FakeRegistry, blob: Blob) -> None:
    registry.drops, registry.drop_after = 1, 0
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    assert registry.uploads == {}


def test_requests_to_a_busy_registry_are_repeated(registry: FakeRegistry, blob: Blob) -> None:
    registry.busy = 2
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


def test_retry_after_is_respected(registry: FakeRegistry, blob: Blob) -> None:
    registry.busy, registry.busy_status = 3, 429
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    registry.busy = 99
    with pytest.raises(UploadError, match="status 429: busy"):
        repository(registry).push_blob(blob, ignore)


def test_a_completed_upload_without_a_response_is_not_repeated(registry: FakeRegistry, blob: Blob) -> None:
    registry.swallows = 1
    repository(registry).push_blob(blob, ignore)
    assert sum(request.startswith("PATCH") for request in registry.asked) == 1


@pytest.mark.parametrize(
    "scheme", ["", "http://", "https://"], ids=["a path", "an address", "another scheme"]
)
def test_an_upload_goes_where_the_registry_says(registry: FakeRegistry, blob: Blob, scheme: str) -> None:
    registry.places = scheme and f"{scheme}{registry.address}"
    repository(registry).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


def test_a_login_is_not_sent_to_the_host_of_the_blobs(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.token = "t0ken"
    digest = registry.put_blob("team/churn", b"content")
    with serving_registry(FakeRegistry()) as store:
        registry.elsewhere = store.address
        store.put_blob("team/churn", b"content")
        ada = Credentials(username="ada", password="lovelace")
        repository(registry, ada).read_blob(digest, tmp_path / "blob", ignore, most_bytes=8 << 20)
        assert store.authorizations == [""]
    assert (tmp_path / "blob").read_bytes() == b"content"


def test_a_login_is_not_sent_to_the_host_of_the_upload(registry: FakeRegistry, blob: Blob) -> None:
    registry.token = "t0ken"
    with serving_registry(FakeRegistry()) as store:
        registry.places = f"http://{store.address}"
        target = repository(registry, Credentials(username="ada", password="lovelace"))
        with pytest.raises(RepositoryNotFoundError):  # that host knows of no upload
            target.push_blob(blob, ignore)
        assert set(store.authorizations) == {""}


@pytest.mark.parametrize(
    "credentials",
    [Credentials(identity_token="identity"), Credentials(username="ada", password="lovelace")],
    ids=["token", "password"],
)
def test_credentials_do_not_follow_a_redirect_of_the_token_service(
    registry: FakeRegistry, blob: Blob, credentials: Credentials
) -> None:
    registry.token = "t0ken"
    with serving_registry(FakeRegistry(token="t0ken")) as thief:
        registry.token_at = thief.address
        with pytest.raises(RegistryLoginError):
            repository(registry, credentials).push_blob(blob, ignore)
        assert not any(thief.authorizations)
        assert not any(thief.forms)


def test_a_password_in_netrc_does_not_follow_a_redirect(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password 5ecret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    digest = registry.put_blob("team/churn", b"content")
    with serving_registry(FakeRegistry()) as store:
        registry.elsewhere = store.address
        store.put_blob("team/churn", b"content")
        repository(registry).read_blob(digest, tmp_path / "blob", ignore, most_bytes=7)
        assert store.authorizations == [""]


def test_a_blob_is_read_to_its_size_and_no_further(registry: FakeRegistry, tmp_path: Path) -> None:
    digest = registry.put_blob("team/churn", b"content")
    registry.endless = True
    with pytest.raises(RegistryError, match="more than its 7 bytes"):
        repository(registry).read_blob(digest, tmp_path / "blob", ignore, most_bytes=7)
    assert list(tmp_path.iterdir()) == []
    assert registry.sent_bytes < 32 << 20


def test_a_manifest_that_is_too_large_is_not_read(registry: FakeRegistry) -> None:
    registry.manifests["team/churn"] = {"1": (bytes(5 << 20), "application/json")}
    with pytest.raises(RegistryError, match="too large for a manifest"):
        repository(registry).manifest("1")


def test_a_full_registry_is_not_retried(registry: FakeRegistry, blob: Blob) -> None:
    registry.capacity = 1000
    with pytest.raises(DiskFullError, match=f"No space is left at the registry {registry.address}"):
        repository(registry).push_blob(blob, ignore)
    assert sum(request.startswith("PATCH") for request in registry.asked) == 1


def test_a_token_is_fetched_when_it_is_asked_for(registry: FakeRegistry, blob: Blob) -> None:
    registry.token = "t0ken"
    target = repository(registry, Credentials(username="ada", password="lovelace"))
    target.push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]
    assert sum("/token" in request for request in registry.asked) == 1


def test_a_token_of_docker_login_is_traded_for_one_of_the_registry(
    registry: FakeRegistry, blob: Blob
) -> None:
    registry.token = "t0ken"
    repository(registry, Credentials(identity_token="identity")).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


def test_an_expired_token_is_renewed(registry: FakeRegistry, blob: Blob) -> None:
    registry.token = "first"
    target = repository(registry, Credentials(username="ada", password="lovelace"))
    assert not target.has_blob(blob.digest)
    registry.token = "second"
    target.push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


@pytest.mark.parametrize("kind", ["token", "basic"])
def test_a_wrong_password_is_reported_and_not_shown(registry: FakeRegistry, blob: Blob, kind: str) -> None:
    registry.token, registry.basic = ("t0ken", False) if kind == "token" else ("", True)
    with pytest.raises(RegistryLoginError) as caught:
        repository(registry, Credentials(username="ada", password="byron!")).push_blob(blob, ignore)
    message = str(caught.value)
    assert message.startswith(
        f"{registry.address} refused the login of 'ada' for the repository 'team/churn'."
    )
    assert "byron" not in message + repr(caught.value) + repr(caught.value.__cause__)


def test_basic_authentication_works(registry: FakeRegistry, blob: Blob) -> None:
    registry.basic = True
    repository(registry, Credentials(username="ada", password="lovelace")).push_blob(blob, ignore)
    assert blob.digest in registry.blobs["team/churn"]


def test_a_missing_login_is_reported(registry: FakeRegistry) -> None:
    registry.token = "t0ken"
    with pytest.raises(RegistryLoginError, match="refused a request without a login"):
        repository(registry).has_blob("sha256:" + "0" * 64)


def test_a_password_in_netrc_is_not_sent(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    repository(registry).has_blob("sha256:" + "0" * 64)
    assert registry.authorizations == [""]


def test_an_absent_repository_has_an_error_of_its_own(registry: FakeRegistry, blob: Blob) -> None:
    registry.unknown_repositories = True
    with pytest.raises(RepositoryNotFoundError, match="repository name not known to registry"):
        repository(registry).push_blob(blob, ignore)


def test_an_absent_tag_has_an_error_of_its_own(registry: FakeRegistry) -> None:
    with pytest.raises(RepositoryNotFoundError, match=f"does not know {registry.address}/team/churn"):
        repository(registry).manifest("2.0.0")


def test_an_interrupted_download_is_resumed(registry: FakeRegistry, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    digest = registry.put_blob("team/churn", content)
    registry.stalls_downloads = 2
    repository(registry).read_blob(digest, tmp_path / "blob", ignore, most_bytes=8 << 20)
    assert (tmp_path / "blob").read_bytes() == content


def test_bytes_with_another_digest_are_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    digest = registry.put_blob("team/churn", b"as it was")
    registry.blobs["team/churn"][digest] = b"tampered!"
    with pytest.raises(RegistryError, match="the received bytes have another digest"):
        repository(registry).read_blob(digest, tmp_path / "blob", ignore, most_bytes=8 << 20)
    assert list(tmp_path.iterdir()) == []


def test_a_blob_of_a_sister_repository_is_mounted(registry: FakeRegistry) -> None:
    digest = registry.put_blob("library/python", b"base")
    assert repository(registry).mount_blob(digest, "library/python")
    assert registry.blobs["team/churn"][digest] == b"base"


def test_a_mount_that_is_not_possible_leaves_no_open_upload(registry: FakeRegistry) -> None:
    registry.mounts = False
    digest = registry.put_blob("library/python", b"base")
    assert not repository(registry).mount_blob(digest, "library/python")
    assert registry.uploads == {}


def test_a_full_local_disk_is_reported() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is a file of Linux")
    with (
        pytest.raises(DiskFullError, match="No space is left at /dev"),
        needs_room(full.parent),
        full.open("wb", buffering=0) as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize(
    ("text", "registry", "repository", "version"),
    [
        ("python", "docker.io", "library/python", "latest"),
        ("python:3.11-slim", "docker.io", "library/python", "3.11-slim"),
        ("docker.io/library/python:3", "docker.io", "library/python", "3"),
        ("team/churn", "docker.io", "team/churn", "latest"),
        ("localhost:5000/churn", "localhost:5000", "churn", "latest"),
        ("registry.example.com/a/b/c:1.0.0", "registry.example.com", "a/b/c", "1.0.0"),
        (f"ghcr.io/a/b:1@sha256:{'0' * 64}", "ghcr.io", "a/b", f"sha256:{'0' * 64}"),
    ],
)
def test_a_reference_has_dockers_defaults(text: str, registry: str, repository: str, version: str) -> None:
    parsed = parse_reference(text)
    assert (parsed.registry, parsed.repository, parsed.version) == (registry, repository, version)


@pytest.mark.parametrize(
    "text", ["Churn:1", "churn:", "a b", "churn@sha256:12", "-x", "registry.example.com/"]
)
def test_an_invalid_image_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no image reference"):
        parse_reference(text)


def test_plain_http_is_for_this_machine_only() -> None:
    assert all(map(is_loopback, ("localhost:5000", "127.0.0.1:80", "[::1]:5000", "127.8.8.8")))
    assert not any(map(is_loopback, ("registry.example.com", "10.0.0.1:5000", "localhost.example.com")))


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for Docker's configuration, and no login in the environment."""
    for name in ("SCAFFOLD_REGISTRY_USERNAME", "SCAFFOLD_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def test_what_docker_login_wrote_is_used(docker_config: Path) -> None:
    auths = {"registry.example.com": {"auth": "YWRhOmxvdmVsYWNl"}}
    (docker_config / "config.json").write_text(json.dumps({"auths": auths}))
    assert stored_credentials("registry.example.com") == Credentials(username="ada", password="lovelace")
    assert stored_credentials("other.example.com") is None


def test_a_credential_helper_is_asked(docker_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = docker_config / "docker-credential-cloud"
    helper.write_text('#!/bin/sh\necho \'{"Username": "<token>", "Secret": "identity"}\'\n')
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker_config}:{os.environ['PATH']}")
    (docker_config / "config.json").write_text(json.dumps({"credHelpers": {"cloud.example.com": "cloud"}}))
    assert stored_credentials("cloud.example.com") == Credentials(identity_token="identity")


def test_a_credential_helper_that_fails_is_named_without_what_it_printed(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = docker_config / "docker-credential-cloud"
    helper.write_text("#!/bin/sh\necho s3cr3t\nexit 1\n")
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker_config}:{os.environ['PATH']}")
    (docker_config / "config.json").write_text(json.dumps({"credHelpers": {"cloud.example.com": "cloud"}}))
    with pytest.raises(ImageError, match=r"cloud\.example\.com failed") as caught:
        stored_credentials("cloud.example.com")
    assert "s3cr3t" not in str(caught.value)


def test_a_login_in_the_environment_needs_name_and_password(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explicit_credentials(None) is None
    monkeypatch.setenv("SCAFFOLD_REGISTRY_USERNAME", "ada")
    with pytest.raises(UsageError, match="go together"):
        explicit_credentials(None)
    monkeypatch.setenv("SCAFFOLD_REGISTRY_PASSWORD", "lovelace")
    found = explicit_credentials(None)
    assert found == Credentials(username="ada", password="lovelace")
    assert "lovelace" not in repr(found)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"auths": ', "Expecting value"),
        ("[]", "it is no JSON object"),
        ('{"auths": {"registry.example.com": {"auth": "@@@"}}}', "an entry of auths is no login"),
        ('{"auths": {"registry.example.com": "ada"}}', "an entry of auths is no login"),
    ],
)
def test_a_broken_docker_config_is_named(docker_config: Path, text: str, cause: str) -> None:
    path = docker_config / "config.json"
    path.write_text(text)
    with pytest.raises(DockerConfigError) as caught:
        stored_credentials("registry.example.com")
    assert str(caught.value).startswith(f"The logins in {path} cannot be read: {cause}")


@pytest.mark.parametrize(
    "text", ['{"credHelpers": {"registry.example.com": "ecr-login"}}', '{"credsStore": "ecr-login"}']
)
def test_a_credential_helper_that_is_not_installed_is_named(docker_config: Path, text: str) -> None:
    (docker_config / "config.json").write_text(text)
    with pytest.raises(CredentialHelperError, match="names docker-credential-ecr-login for the login at"):
        stored_credentials("registry.example.com")


def test_a_base_that_cannot_be_read_gets_no_advice_for_uploads(registry: FakeRegistry) -> None:
    registry.busy, registry.busy_status = 99, 503
    with pytest.raises(UploadError) as caught:
        repository(registry).manifest("1")
    assert str(caught.value).endswith("scaffold build ... --base registry.example.org/python:3.11-slim")
