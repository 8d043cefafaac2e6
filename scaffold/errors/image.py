"""An image cannot be built or pushed."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class ImageError(ScaffoldError):
    """An image cannot be built or pushed."""


class DockerfileError(ImageError):
    """A line of the Dockerfile says what cannot be done without a container."""

    def __init__(self, line: int, instruction: str, reason: str) -> None:
        super().__init__(line, instruction, reason)
        self.line, self.instruction, self.reason = line, instruction, reason

    def __str__(self) -> str:
        return (
            f"The layers builder cannot follow the Dockerfile, line {self.line}: {self.reason}.\n"
            f"  {self.instruction}\n"
            "Build it with an engine, or move that into a base image of your own:\n"
            "  scaffold build ... --builder docker\n"
            "  scaffold build ... --base REFERENCE"
        )


class EngineNotRunningError(ImageError):
    """No Docker Engine answers."""

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(host, detail)
        self.host, self.detail = host, detail

    def __str__(self) -> str:
        return (
            f"No Docker Engine answers at {self.host}: {self.detail}\n"
            "Start it, name another in DOCKER_HOST, or build without one:\n"
            "  scaffold build ... --builder layers"
        )


class BuildStepError(ImageError):
    """A step of the Dockerfile failed in the engine."""

    def __init__(self, step: str, tail: str) -> None:
        super().__init__(step, tail)
        self.step, self.tail = step, tail

    def __str__(self) -> str:
        return f"The image was not built: this step failed.\n  {self.step}\n{self.tail}".rstrip()


class PackagesError(ImageError):
    """What the lock names cannot be had for the image's platform and Python."""

    def __init__(self, platform: str, python: str, detail: str) -> None:
        super().__init__(platform, python, detail)
        self.platform, self.python, self.detail = platform, python, detail

    def __str__(self) -> str:
        return (
            f"The dependencies cannot be installed for {self.platform} and Python {self.python}.\n"
            f"{self.detail}"
        ).rstrip()


class RegistryLoginError(ImageError):
    """The registry does not let this user do that, or nobody unnamed."""

    def __init__(self, registry: str, username: str | None, repository: str, detail: str) -> None:
        super().__init__(registry, username, repository, detail)
        self.registry, self.username = registry, username
        self.repository, self.detail = repository, detail

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

    def __init__(self, reference: str, detail: str = "") -> None:
        super().__init__(reference, detail)
        self.reference, self.detail = reference, detail

    def __str__(self) -> str:
        lines = [f"The registry does not know {self.reference}."]
        lines += [f"  {self.detail}"] if self.detail else []
        lines.append("Look at the name and the tag; some registries want a repository made before a push.")
        return "\n".join(lines)


class UploadError(ImageError):
    """The connection to the registry broke, again and again."""

    def __init__(self, registry: str, what: str, attempts: int, detail: str) -> None:
        super().__init__(registry, what, attempts, detail)
        self.registry, self.what, self.attempts, self.detail = registry, what, attempts, detail

    def __str__(self) -> str:
        return (
            f"The connection to {self.registry} broke {self.attempts} times over {self.what}: {self.detail}\n"
            "What arrived stays there. Run the same command again: it goes on from the next layer."
        )


class DiskFullError(ImageError):
    """No space is left, here or at the registry."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(where, detail)
        self.where, self.detail = where, detail

    def __str__(self) -> str:
        return (
            f"No space is left at {self.where}: {self.detail}\n"
            "Make room there and run the same command again."
        )


class RegistryError(ImageError):
    """The registry answered something that is none of the cases above."""

    def __init__(self, request: str, status: int, detail: str) -> None:
        super().__init__(request, status, detail)
        self.request, self.status, self.detail = request, status, detail

    def __str__(self) -> str:
        return f"The registry refused {self.request} (status {self.status}): {self.detail}".rstrip(": ")


class ImageCheckError(ImageError):
    """The image was built, but does not run as it should."""

    def __init__(self, reference: str, detail: str) -> None:
        super().__init__(reference, detail)
        self.reference, self.detail = reference, detail

    def __str__(self) -> str:
        return f"The image {self.reference} was built, but does not run as it should.\n{self.detail}".rstrip()
