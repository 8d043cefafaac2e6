"""A container registry does not do what it is asked."""

from __future__ import annotations

import json
import re

from scaffold.errors.branches import ImageError
from scaffold.errors.wording import invocation, shell_line

_ECR = re.compile(r"\d+\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")
_ARTIFACT_REGISTRY = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/:@]+)")
_ACR = re.compile(r"([a-z0-9]+)\.azurecr\.io/")


def _cloud_command(name: str, *, login: bool) -> str:
    """Return the command that logs in at a cloud's registry, or creates a repository; empty for others.

    Azure's registry creates repositories by itself.

    Args:
        name: The registry and the repository.
        login: Whether to log in.
    """
    host = name.partition("/")[0]
    if match := _ECR.match(name):
        region, repository = match.groups()
        if login:
            password = shell_line("aws", "ecr", "get-login-password", "--region", region)
            return f"{password} | docker login --username AWS --password-stdin {host}"
        create = ("aws", "ecr", "create-repository")
        return shell_line(*create, "--repository-name", repository, "--region", region)
    if match := _ARTIFACT_REGISTRY.match(name):
        location, project, repository = match.groups()
        if login:
            return shell_line("gcloud", "auth", "configure-docker", host)
        options = ("--repository-format=docker", f"--location={location}", f"--project={project}")
        return shell_line("gcloud", "artifacts", "repositories", "create", repository, *options)
    if login and (match := _ACR.match(name)):
        return shell_line("az", "acr", "login", "--name", match[1])
    return ""


class DockerConfigError(ImageError):
    """Docker's configuration cannot be read."""

    path: str
    cause: str

    def __str__(self) -> str:
        return (
            f"The logins in {self.path} cannot be read: {self.cause}.\n"
            "Mend the file, or move it away and log in again: docker login"
        )


class CredentialHelperError(ImageError):
    """A credential helper of Docker's configuration failed.

    Args:
        registry: The registry.
        cause: The type of the error.
        missing: The program that is not installed; empty where it is.
    """

    registry: str
    cause: str = ""
    missing: str = ""

    def __str__(self) -> str:
        if self.missing:
            return (
                f"Docker's configuration names {self.missing} for the login at {self.registry},"
                " and no such program is installed.\n"
                "Install it, or take it out of config.json (credHelpers, credsStore) and log in:"
                f" {shell_line('docker', 'login', self.registry)}"
            )
        return (
            f"The credential helper that Docker's configuration names for {self.registry} failed"
            f" ({self.cause}). Try: {shell_line('docker', 'login', self.registry)}"
        )


class UntrustedRegistryError(ImageError):
    """The certificate of a registry, or of its token service, is not trusted.

    Args:
        registry: The host with its port.
        cause: What is wrong with the certificate.
        engine: Whether the Docker Engine says so, which trusts other authorities than this process.
    """

    registry: str
    cause: str
    engine: bool = False

    def __str__(self) -> str:
        who = "the Docker Engine" if self.engine else "scaffold"
        lines = [f"{who} does not trust the certificate of {self.registry}: {self.cause}"]
        if re.search("expired|mismatch|valid for|SANs", self.cause):
            lines.append("Renew the certificate of the registry, or use the name that it is issued for.")
            return "\n".join(lines)
        install = ("install", "-D", "-m", "644", "ca.crt")
        system = f"/etc/docker/certs.d/{self.registry}/ca.crt"
        if self.engine:
            lines.append("If it has an authority of its own, trust it on the engine's machine:")
            lines.append(f"  sudo {shell_line(*install, system)}")
            return "\n".join(lines)
        lines += [
            "If it has an authority of its own, put that one's certificate where Docker expects it,",
            "for all users or for yourself, or name the file:",
            f"  sudo {shell_line(*install, system)}",
            f"  {shell_line(*install)} ~/.docker/certs.d/{shell_line(f'{self.registry}/ca.crt')}",
            f"  {invocation('build', ..., ca_bundle='ca.crt')}",
        ]
        return "\n".join(lines)


class CertificateFileError(ImageError):
    """A file of certificates for a registry cannot be used."""

    path: str
    cause: str

    def __str__(self) -> str:
        return (
            f"The certificate {self.path} cannot be used: {self.cause}.\n"
            "Authorities are PEM files NAME.crt; a client certificate is NAME.cert with its key NAME.key,"
            " without a password."
        )


class ClientCertificateError(ImageError):
    """A registry wants another client certificate than this process has."""

    registry: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.registry} ended the TLS handshake: {self.cause}.\n"
            "If it wants a certificate of its clients, put that and its key where Docker expects them:\n"
            f"  /etc/docker/certs.d/{self.registry}/client.cert\n"
            f"  /etc/docker/certs.d/{self.registry}/client.key"
        )


class PlainHttpRegistryError(ImageError):
    """A registry speaks plain HTTP where TLS is expected.

    Args:
        registry: The host with its port.
        engine: Whether the Docker Engine says so, which has a setting of its own.
    """

    registry: str
    engine: bool = False

    def __str__(self) -> str:
        if self.engine:
            setting = json.dumps({"insecure-registries": [self.registry]})
            return (
                f"{self.registry} speaks plain HTTP, and the Docker Engine expects TLS.\n"
                "If the network to it is trusted, add this to /etc/docker/daemon.json of the engine's machine"
                f" and restart the engine:\n  {setting}\n"
                f"Then: {invocation('build', ..., insecure=True)}"
            )
        return (
            f"{self.registry} speaks plain HTTP, not TLS.\n"
            "If the network to it is trusted, allow that for the registry of the push and a base there:\n"
            f"  {invocation('build', ..., insecure=True)}"
        )


class RegistryLoginError(ImageError):
    """The registry forbids this to the user, or to anonymous clients."""

    registry: str
    username: str | None
    repository: str
    detail: str

    def __str__(self) -> str:
        who = f"the login of '{self.username}'" if self.username else "a request without a login"
        lines = [f"{self.registry} refused {who} for the repository '{self.repository}'."]
        lines += [f"  {self.detail}"] if self.detail else []
        lines.append(
            "Log in as docker does (docker login), or set SCAFFOLD_REGISTRY_USERNAME and"
            " SCAFFOLD_REGISTRY_PASSWORD."
        )
        if command := _cloud_command(f"{self.registry}/{self.repository}", login=True):
            lines.append(f"  {command}")
        return "\n".join(lines)


class RepositoryNotFoundError(ImageError):
    """The registry has no such repository, tag or digest.

    Args:
        reference: The registry and the repository.
        detail: What the registry says.
        pushed: Whether something was to be stored there.
    """

    reference: str
    detail: str = ""
    pushed: bool = False

    def __str__(self) -> str:
        lines = [f"The registry does not know {self.reference}."]
        lines += [f"  {self.detail}"] if self.detail else []
        command = _cloud_command(self.reference, login=False)
        if self.pushed and command:
            lines.append(f"This registry wants a repository created before the first push:\n  {command}")
        elif self.pushed:
            lines.append("Look at the name; some registries want a repository created before a push.")
        else:
            lines.append("Look at the name and the tag.")
        return "\n".join(lines)


class UploadError(ImageError):
    """The connection to the registry broke repeatedly."""

    registry: str
    what: str
    attempts: int
    detail: str
    is_read: bool = False

    def __str__(self) -> str:
        advice = "What arrived stays there. Run the same command again: it goes on from the next layer."
        if self.is_read:
            advice = "Try again, or name a registry that this machine reaches, for the base image with:\n  "
            advice += invocation("build", ..., base="registry.example.org/python:3.11-slim")
        return (
            f"The connection to {self.registry} broke {self.attempts} times over {self.what}: {self.detail}\n"
            f"{advice}"
        )


class DiskFullError(ImageError):
    """No space is left, here or at the registry."""

    where: str
    detail: str

    def __str__(self) -> str:
        return (
            f"No space is left at {self.where}: {self.detail}\n"
            "Make room there and run the same command again."
        )


class RegistryError(ImageError):
    """The registry sent an unexpected response."""

    request: str
    status: int
    detail: str

    def __str__(self) -> str:
        return f"The registry refused {self.request} (status {self.status}): {self.detail}".rstrip(": ")
