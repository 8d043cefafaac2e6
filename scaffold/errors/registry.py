"""A container registry does not do what it is asked."""

from __future__ import annotations

from scaffold.errors.image import ImageError
from scaffold.errors.wording import invocation


class CredentialHelperError(ImageError):
    """A credential helper of Docker's configuration failed."""

    registry: str
    cause: str

    def __str__(self) -> str:
        return (
            f"The credential helper that Docker's configuration names for {self.registry} failed"
            f" ({self.cause}). Try: docker login {self.registry}"
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

    def __str__(self) -> str:
        return (
            f"The connection to {self.registry} broke {self.attempts} times over {self.what}: {self.detail}\n"
            "What arrived stays there. Run the same command again: it goes on from the next layer."
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
