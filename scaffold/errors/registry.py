"""A container registry does not do what it is asked."""

from __future__ import annotations

from scaffold.errors.image import ImageError
from scaffold.errors.wording import invocation, shell_line


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
    """No known authority signed the certificate of a registry."""

    registry: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.registry} is not trusted over TLS: {self.cause}\n"
            "Name the certificates of a proxy that opens TLS, or speak plain HTTP to it:\n"
            f"  {invocation('build', ..., ca_bundle='FILE')}\n"
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
        return "\n".join(lines)


class RepositoryNotFoundError(ImageError):
    """The registry has no such repository, tag or digest."""

    reference: str
    detail: str = ""

    def __str__(self) -> str:
        lines = [f"The registry does not know {self.reference}."]
        lines += [f"  {self.detail}"] if self.detail else []
        lines.append("Look at the name and the tag; some registries want a repository made before a push.")
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
