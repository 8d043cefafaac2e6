"""Registries over TLS with an authority of their own, at a server on loopback."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.errors import (
    CertificateFileError,
    ClientCertificateError,
    ImageError,
    PlainHttpRegistryError,
    UntrustedRegistryError,
)
from scaffold.image._engine import follow_build, follow_push
from scaffold.image._tar import Blob
from scaffold.image.registry._credentials import Credentials
from scaffold.image.registry._reference import parse_reference
from scaffold.image.registry._repository import Repository
from tests.image._certificates import Pair, issue, make_authority
from tests.image._fake_logins import TokenLogin
from tests.image._fake_registry import FakeRegistry, serving_registry
from tests.image._in_namespace import HOST
from tests.image.test_registry import HASTY, blob, docker_config, ignore, repository

__all__ = ["blob", "docker_config"]  # fixtures

if shutil.which("openssl") is None:
    pytest.skip("openssl makes the certificates", allow_module_level=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def context(tmp_path: Path, authority: Pair) -> ssl.SSLContext:
    pair = issue(tmp_path, authority, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@pytest.fixture
def secure(context: ssl.SSLContext) -> Iterator[FakeRegistry]:
    with serving_registry(FakeRegistry(), context) as running:
        yield running


@pytest.fixture
def folder(docker_config: Path, secure: FakeRegistry) -> Path:
    """The folder for the certificates of the registry, which makes it one with TLS although on loopback."""
    folder = docker_config / "certs.d" / secure.address
    folder.mkdir(parents=True)
    return folder


def test_an_authority_in_certs_d_is_trusted(
    secure: FakeRegistry, folder: Path, authority: Pair, blob: Blob
) -> None:
    shutil.copy(authority.certificate, folder / "ca.crt")
    repository(secure).push_blob(blob, ignore)
    assert blob.digest in secure.blobs["team/churn"]


@pytest.mark.parametrize("how", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
def test_an_authority_that_is_named_is_trusted(
    secure: FakeRegistry,
    folder: Path,
    authority: Pair,
    blob: Blob,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    assert folder.is_dir()
    ca_bundle = authority.certificate if how == "ca_bundle" else None
    if ca_bundle is None:
        monkeypatch.setenv(how, str(authority.certificate))
    reference = parse_reference(f"{secure.address}/team/churn:1")
    Repository(reference, None, ca_bundle=ca_bundle, patience=HASTY).push_blob(blob, ignore)
    assert blob.digest in secure.blobs["team/churn"]


def test_an_unknown_authority_is_reported_at_once_with_the_places_for_it(
    secure: FakeRegistry, folder: Path
) -> None:
    assert folder.is_dir()
    with pytest.raises(UntrustedRegistryError) as caught:
        repository(secure).has_blob("sha256:" + "0" * 64)
    assert str(caught.value) == (
        f"scaffold does not trust the certificate of {secure.address}:"
        " unable to get local issuer certificate\n"
        "If it has an authority of its own, put that one's certificate where Docker expects it,\n"
        "for all users or for yourself, or name the file:\n"
        f"  sudo install -D -m 644 ca.crt /etc/docker/certs.d/{secure.address}/ca.crt\n"
        f"  install -D -m 644 ca.crt ~/.docker/certs.d/{secure.address}/ca.crt\n"
        "  scaffold build ... --ca-bundle ca.crt"
    )


def test_a_certificate_for_another_name_gets_other_advice(
    docker_config: Path, tmp_path: Path, authority: Pair
) -> None:
    pair = issue(tmp_path, authority, "other", names="DNS:registry.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with serving_registry(FakeRegistry(), context) as registry:
        folder = docker_config / "certs.d" / registry.address
        folder.mkdir(parents=True)
        shutil.copy(authority.certificate, folder / "ca.crt")
        with pytest.raises(UntrustedRegistryError, match="use the name that it is issued for"):
            repository(registry).has_blob("sha256:" + "0" * 64)


def test_a_client_certificate_in_certs_d_is_shown(
    context: ssl.SSLContext, secure: FakeRegistry, folder: Path, authority: Pair, blob: Blob
) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the handshake of the client may end before
    context.load_verify_locations(authority.certificate)
    shutil.copy(authority.certificate, folder / "ca.crt")
    with pytest.raises(ClientCertificateError, match=f"certs.d/{secure.address}/client.key"):
        repository(secure).has_blob(blob.digest)
    issue(folder, authority, "client", names="DNS:ada")
    repository(secure).push_blob(blob, ignore)
    assert blob.digest in secure.blobs["team/churn"]


@pytest.mark.parametrize(
    ("name", "cause"), [("ca.crt", "no certificate or crl found"), ("client.cert", "client.key is not")]
)
def test_a_file_that_is_no_certificate_is_named(
    secure: FakeRegistry, folder: Path, name: str, cause: str
) -> None:
    (folder / name).write_text("nothing\n")
    with pytest.raises(CertificateFileError, match=cause) as caught:
        repository(secure)
    assert str(folder / name) in str(caught.value)


def test_an_upload_over_tls_that_breaks_is_resumed(
    secure: FakeRegistry, folder: Path, authority: Pair, blob: Blob
) -> None:
    shutil.copy(authority.certificate, folder / "ca.crt")
    secure.drops = 2
    repository(secure).push_blob(blob, ignore)
    assert blob.digest in secure.blobs["team/churn"]


def test_the_authority_is_trusted_for_the_token_service_too(
    secure: FakeRegistry, folder: Path, authority: Pair, blob: Blob
) -> None:
    shutil.copy(authority.certificate, folder / "ca.crt")
    secure.login = TokenLogin("ada", "lovelace", scheme="https")
    repository(secure, Credentials(username="ada", password="lovelace")).push_blob(blob, ignore)
    assert blob.digest in secure.blobs["team/churn"]


def test_plain_http_where_tls_is_expected_is_reported(docker_config: Path) -> None:
    with serving_registry(FakeRegistry()) as registry:
        (docker_config / "certs.d" / registry.address).mkdir(parents=True)
        with pytest.raises(PlainHttpRegistryError) as caught:
            repository(registry).has_blob("sha256:" + "0" * 64)
    assert str(caught.value).endswith("\n  scaffold build ... --insecure")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            'Get "https://10.7.7.1:5000/v2/": http: server gave HTTP response to HTTPS client',
            '  {"insecure-registries": ["10.7.7.1:5000"]}',
        ),
        (
            'Get "https://10.7.7.1:5000/v2/": tls: failed: x509: certificate signed by unknown authority',
            "  sudo install -D -m 644 ca.crt /etc/docker/certs.d/10.7.7.1:5000/ca.crt",
        ),
    ],
    ids=["plain HTTP", "unknown authority"],
)
def test_what_the_engine_refuses_is_told_with_its_settings(said: str, advice: str) -> None:
    reference = parse_reference("10.7.7.1:5000/team/churn:1")
    with pytest.raises(ImageError) as pushed:
        follow_push([{"error": said}], reference, None, lambda _: None)
    with pytest.raises(ImageError) as pulled:
        follow_build([{"stream": "Step 1/2 : FROM ${BASE}"}, {"error": said}], lambda _: None)
    for caught in (pushed, pulled):
        assert advice in str(caught.value).splitlines()


def test_a_registry_beyond_this_machine_speaks_plain_http_only_if_it_is_allowed(tmp_path: Path) -> None:
    setup = f'ip link set lo up && ip address add {HOST}/32 dev lo && exec "$@"'
    inside = ["unshare", "--map-root-user", "--net", "sh", "-c", setup, "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this machine gives no network namespace")
    command = [*inside, sys.executable, "-m", "tests.image._in_namespace", str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True)
    (status, message), (allowed, _), manifests = json.loads(done.stdout)
    assert status == 1
    assert message.splitlines()[-3:] == [
        "✗ ADDRESS speaks plain HTTP, not TLS.",
        "If the network to it is trusted, allow that for the registry of the push and a base there:",
        "  scaffold build ... --insecure",
    ]
    assert allowed == 0
    assert "1.0.0" in manifests
