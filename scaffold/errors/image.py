"""An image cannot be built or pushed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from scaffold.errors.base import ScaffoldError
from scaffold.errors.usage import UsageError
from scaffold.errors.wording import either, invocation, option


class BuilderOptionError(UsageError):
    """A builder does not have this option.

    Args:
        builder: `docker` or `layers`.
        option: By the name of its keyword.
    """

    builder: str
    option: Literal["output", "platforms"]

    def __str__(self) -> str:
        does = {
            "output": "leaves the image in its engine; {} is for {}.",
            "platforms": "makes one platform at a time; with {1} several go into {0}.",
        }[self.option]
        return f"The {self.builder} builder " + does.format(option(self.option), option("builder", "layers"))


class MissingDestinationError(UsageError):
    """The layers builder is not told where the image goes."""

    def __str__(self) -> str:
        return (
            "The layers builder has no engine to leave the image in: say where it goes.\n"
            f"  {invocation('build', ..., builder='layers', push=True)}\n"
            f"  {invocation('build', ..., builder='layers', output='image.tar')}"
        )


class NoRegistryError(UsageError):
    """An image is to be pushed, and its name has no registry."""

    image: str

    def __str__(self) -> str:
        return (
            f"Where should '{self.image}' be pushed to? Name its place:\n"
            f"  {invocation('build', ..., push=True, registry='registry.example.com/team')}"
        )


class NamedTwiceError(UsageError):
    """A tag names the registry, and an option names another one."""

    def __str__(self) -> str:
        return f"{option('tag')} names the whole image already: leave out {option('registry')}."


class UnnamedImageError(UsageError):
    """Neither an option nor the labels of the Dockerfile name the image."""

    def __str__(self) -> str:
        name = option("tag", "NAME:TAG")
        return f"The Dockerfile has no labels for title and version: name the image with {name}."


class IncompleteLoginError(UsageError):
    """A user name for the registry comes without a password, or the reverse.

    Args:
        place: `options` of the command line, or `variables` of the environment.
    """

    place: Literal["options", "variables"]

    def __str__(self) -> str:
        if self.place == "variables":
            return "SCAFFOLD_REGISTRY_USERNAME and SCAFFOLD_REGISTRY_PASSWORD go together: one is not set."
        return (
            "--username and --password-stdin go together:\n"
            "  scaffold build ... --username NAME --password-stdin < password-file"
        )


class MissingFileError(UsageError):
    """An option names a file that is not there."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} is not there."


class PasswordInUrlError(UsageError):
    """The URL of a package index holds a password."""

    def __str__(self) -> str:
        return (
            f"{option('index_url')} holds a password, which would stay in the image's history."
            " Put it into a file\n"
            "  machine HOST login USER password SECRET\n"
            f"and name that: {option('netrc', 'FILE')}"
        )


class ImageError(ScaffoldError):
    """An image cannot be built or pushed."""


class NoDockerfileError(ImageError):
    """A folder has no Dockerfile."""

    folder: str

    def __str__(self) -> str:
        return (
            f"{self.folder} holds no Dockerfile, so there is nothing to build. Make a project:\n"
            f"  {invocation('new', ...)}"
        )


class MissingLockError(ImageError):
    """A project has no lock."""

    lock: str

    def __str__(self) -> str:
        return f"{self.lock} is not there: the lock says what goes into the image."


class ContextFileError(ImageError):
    """A file of the build context cannot be read, or changes while it is read.

    Args:
        path: The file.
        cause: Why it cannot be read; empty where it changed.
    """

    path: str
    cause: str = ""

    def __str__(self) -> str:
        if self.cause:
            return f"{self.path} cannot be read: {self.cause}"
        return f"{self.path} changed while it was read. Build again when it is finished."


class CacheFolderError(ImageError):
    """The folder that keeps layers between builds cannot be made."""

    folder: str
    cause: str

    def __str__(self) -> str:
        return f"{self.folder} cannot be made: {self.cause}. Name another place in XDG_CACHE_HOME."


class BaseError(ImageError):
    """The base image cannot be used."""


class BasePlatformError(BaseError):
    """The base is not made for the platform of the image.

    Args:
        base: Its reference.
        platform: The one that is wanted.
        found: The ones that there are.
        listed: Whether the base lists its platforms, or is one image.
    """

    base: str
    platform: str
    found: Sequence[str]
    listed: bool

    def __str__(self) -> str:
        found = ", ".join(self.found)
        if self.listed:
            return f"The base {self.base} is not to be had for {self.platform}, only for {found}."
        another = option("base", "REFERENCE")
        return f"The base {self.base} is for {found}, not for {self.platform}. Name another: {another}"


class NoPythonInBaseError(BaseError):
    """The base holds no Python 3."""

    base: str

    def __str__(self) -> str:
        return f"The base {self.base} holds no Python 3. Name another: {option('base', 'REFERENCE')}"


class BaseLayerError(BaseError):
    """A layer of the base cannot be read.

    Args:
        layer: Its digest, or its media type where that is unknown.
        cause: What is wrong with it; empty where the media type is unknown.
    """

    layer: str
    cause: str = ""

    def __str__(self) -> str:
        if self.cause:
            return f"The layer {self.layer[:12]} of the base cannot be read: {self.cause}."
        return f"The base has a layer of the kind {self.layer}, which cannot be read. Name another."


class DebianError(ImageError):
    """The Debian packages of the image cannot be had."""


class NoDebianSourceError(DebianError):
    """The base names no archive of Debian packages."""

    def __str__(self) -> str:
        return "The base names no source of Debian packages in /etc/apt, so none can be fetched."


class NoSuchPackageError(DebianError):
    """No source of the base has a package."""

    package: str

    def __str__(self) -> str:
        return f"The sources of the base have no Debian package for '{self.package}'."


class UnreadablePackageError(DebianError):
    """A package is packed in an unknown way."""

    package: str

    def __str__(self) -> str:
        return f"The Debian package {self.package} is packed in a way that cannot be read here."


class DownloadError(DebianError):
    """A file of an archive cannot be downloaded."""

    url: str
    cause: str

    def __str__(self) -> str:
        return f"{self.url} cannot be fetched: {self.cause}."


class WrongHashError(DebianError):
    """A file of an archive has another hash than the archive says.

    Args:
        name: The name of a package, or the URL of a list of packages.
        package: Whether it is a package.
    """

    name: str
    package: bool

    def __str__(self) -> str:
        what = f"The Debian package {self.name} that came" if self.package else self.name
        return f"{what} has another hash than its archive says."


class UnsignedListError(DebianError):
    """A list of packages is not signed by a key that the base trusts."""

    archive: str

    def __str__(self) -> str:
        return f"The package list of {self.archive} is not signed by a key of the base."


class WrongListError(DebianError):
    """A list of packages is of another suite."""

    place: str
    found: Sequence[str]
    suite: str

    def __str__(self) -> str:
        return f"{self.place} is a list of {' or '.join(self.found)}, not of {self.suite}."


class ListDateError(DebianError):
    """The date of a list of packages cannot be read, has expired, or lies in the future.

    Args:
        place: Where the list is.
        date: What it says.
        clock: The time here, where the list is newer than that.
        expired: Whether the date is the last one that the list was valid on.
    """

    place: str
    date: datetime | str
    clock: datetime | None = None
    expired: bool = False

    def __str__(self) -> str:
        if isinstance(self.date, str):
            return f"{self.place} has a date that cannot be read: {self.date[:80]}"
        if self.expired:
            newer = either("another base", "--base")
            return (
                f"{self.place} was valid until {self.date:%Y-%m-%d}:"
                " the archive is stale, or an old list was sent.\n"
                f"Name a newer base with {newer}, or let the base's sources say Check-Valid-Until: no."
            )
        return (
            f"{self.place} is of {self.date:%Y-%m-%d %H:%M} UTC,"
            f" and the clock here says {self.clock:%Y-%m-%d %H:%M}. Set it."
        )


class DockerfileError(ImageError):
    """A line of the Dockerfile says what cannot be done without a container.

    Args:
        line: Its number.
        instruction: What it says.
        problem: A key of the sentences below.
    """

    line: int
    instruction: str
    problem: Literal["container", "file", "from", "option", "stage", "unreadable"]

    def __str__(self) -> str:
        problem = {
            "container": "only a container can run that",
            "file": "no such file in the build context",
            "from": "there is none, so there is nothing to start from",
            "option": "this option is not known here",
            "stage": "one environment is taken from another stage, here not",
            "unreadable": "this cannot be read",
        }[self.problem]
        return (
            f"The layers builder cannot follow the Dockerfile, line {self.line}: {problem}.\n"
            f"  {self.instruction}\n"
            "Build it with an engine, or move that into a base image of your own:\n"
            f"  {invocation('build', ..., builder='docker')}\n"
            f"  {invocation('build', ..., base='REFERENCE')}"
        )


class EngineNotRunningError(ImageError):
    """No Docker Engine answers."""

    host: str
    detail: str

    def __str__(self) -> str:
        return (
            f"No Docker Engine answers at {self.host}: {self.detail}\n"
            "Start it, name another in DOCKER_HOST, or build without one:\n"
            f"  {invocation('build', ..., builder='layers')}"
        )


class EngineRefusedError(ImageError):
    """The Docker Engine refuses a request."""

    cause: str

    def __str__(self) -> str:
        return f"The Docker Engine refused that: {self.cause}"


class BuildStepError(ImageError):
    """A step of the Dockerfile failed in the engine."""

    step: str
    tail: str

    def __str__(self) -> str:
        return f"The image was not built: this step failed.\n  {self.step}\n{self.tail}".rstrip()


class PackagesError(ImageError):
    """What the lock names cannot be had for the image's platform and Python.

    Args:
        platform: `linux/arm64`.
        python: Its version.
        tail: The end of uv's output.
        compiled: (distribution, tag) of a wheel that was compiled here, so that it fits this platform only.
    """

    platform: str
    python: str
    tail: str = ""
    compiled: tuple[str, str] | None = None

    def __str__(self) -> str:
        head = f"The dependencies cannot be installed for {self.platform} and Python {self.python}."
        if self.compiled is None:
            return f"{head}\n{self.tail}".rstrip()
        name, tag = self.compiled
        return (
            f"{head}\n  {name} has no wheel for it and was compiled here ({tag}). Build with an engine:\n"
            f"  {invocation('build', ..., builder='docker')}"
        )


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
    """The registry does not let this user do that, or nobody unnamed."""

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
    """The connection to the registry broke, again and again."""

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
    """The registry answered something that is none of the cases above."""

    request: str
    status: int
    detail: str

    def __str__(self) -> str:
        return f"The registry refused {self.request} (status {self.status}): {self.detail}".rstrip(": ")


class ImagePythonError(ImageError):
    """The image was built, and its Python does not run."""

    cause: str

    def __str__(self) -> str:
        return f"The image was built, but its Python does not run: {self.cause}"


class ImageCheckError(ImageError):
    """The image was built, but does not run as it should."""

    reference: str
    detail: str

    def __str__(self) -> str:
        return f"The image {self.reference} was built, but does not run as it should.\n{self.detail}".rstrip()
