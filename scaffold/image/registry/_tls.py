"""TLS to registries: which authorities are trusted, which certificate is shown, and what a failure means.

As with Docker, `certs.d/HOST:PORT` in /etc/docker and in the folder of Docker's configuration holds the
authorities of a registry (`*.crt`) and certificates for clients (`NAME.cert` with `NAME.key`). They add to
the authorities of this machine, of `SSL_CERT_FILE` and of requests.

Source: docs.docker.com/engine/security/certificates.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter

from scaffold.errors import (
    CertificateFileError,
    ClientCertificateError,
    ImageError,
    PlainHttpRegistryError,
    UntrustedRegistryError,
)

_CERTIFICATES = "certs.d"
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_NO_CLIENT_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA")


class TlsAdapter(HTTPAdapter):
    """Opens connections with one TLS context."""

    def __init__(self, context: ssl.SSLContext, *, max_retries: int = 0) -> None:
        self._context = context
        super().__init__(max_retries=max_retries)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Use the context for direct connections."""
        super().init_poolmanager(*args, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Use the context for connections through a proxy."""
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)


def certificate_folders(host: str) -> list[Path]:
    """Return the folders with certificates for a registry, the user's first.

    Args:
        host: `registry.example.com:5000`; without a port where it is that of https.
    """
    docker = os.environ.get("DOCKER_CONFIG")
    docker_folder = Path(docker) if docker else Path.home() / ".docker"
    places = (docker_folder, Path("/etc/docker"))
    return [folder for place in places if (folder := place / _CERTIFICATES / host).is_dir()]


def tls_context(host: str, ca_bundle: Path | None) -> ssl.SSLContext:
    """Return the context for connections to a registry, its token service and its storage.

    Raises:
        CertificateFileError: A file of certificates cannot be used.
    """
    context = ssl.create_default_context()
    authorities = [ca_bundle] if ca_bundle else []
    for folder in certificate_folders(host):
        authorities += sorted(folder.glob("*.crt"))
        for certificate in sorted(folder.glob("*.cert")):
            key = certificate.with_suffix(".key")
            if not key.exists():
                raise CertificateFileError(str(certificate), f"{key.name} is not beside it")
            try:
                context.load_cert_chain(certificate, key, password=lambda: "")
            except (OSError, ValueError) as error:
                raise CertificateFileError(str(certificate), _reason(error)) from error
    for path in authorities:
        try:
            context.load_verify_locations(path)
        except OSError as error:
            raise CertificateFileError(str(path), _reason(error)) from error
    return context


def tls_error(host: str, error: BaseException) -> ImageError | None:
    """Return the error for a failed TLS handshake; None for a broken connection, which is retried."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedRegistryError(host, cause.verify_message or str(cause))
        reason = cause.reason or "" if isinstance(cause, ssl.SSLError) else ""
        if reason in _PLAIN_HTTP:
            return PlainHttpRegistryError(host)
        if reason.endswith(_NO_CLIENT_CERTIFICATE):
            return ClientCertificateError(host, reason.replace("_", " ").lower())
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes; requests and urllib3 wrap errors in both chains and in arguments."""
    waiting, visited = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and id(cause) not in visited:
            visited.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__, *cause.args, getattr(cause, "reason", None)]


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error)
