"""An image cannot be built or pushed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import ImageError, UsageError
from scaffold.errors.wording import either, invocation, option


class PinWithoutPushError(UsageError):
    """`--pin` without `--push`: the registry has no digest to pin."""

    def __str__(self) -> str:
        return (
            "Only an image that is pushed has a digest to pin:\n"
            f"  {invocation('build', ..., push=True, pin=True)}"
        )


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


class NoModelForImageError(ImageError):
    """The image would not hold the model that its label names.

    Args:
        sha256: What the label `model.sha256` or `model.compiled-sha256` has.
        left_out: A file with that hash which the build cannot see; empty where there is none.
        others: The files in the model's folder, which have other hashes.
        not_copied: A file with that hash that no line of the Dockerfile copies; empty where there is none.
    """

    sha256: str
    left_out: str = ""
    others: Sequence[str] = ()
    not_copied: str = ""

    def __str__(self) -> str:
        problem = (
            f"The image would not hold its model: no file in it would have the sha256 {self.sha256[:12]}…"
        )
        problem += ", which a label of the Dockerfile names.\n"
        if self.left_out:
            return (
                f"{problem}  {self.left_out} has it, and .dockerignore leaves that out.\n"
                f"Add a line to .dockerignore: !{self.left_out}"
            )
        if self.not_copied:
            folder = self.not_copied.rpartition("/")[0] or self.not_copied
            return (
                f"{problem}  {self.not_copied} has it, and no COPY line of the Dockerfile copies that file.\n"
                f"Add a line to the Dockerfile: COPY {folder} {folder}"
            )
        others = ", ".join(self.others) or "nothing"
        return (
            f"{problem}  The folder of the model holds {others}.\n"
            "If Git leaves the file out, bring it back. If it is another model, update the project to it:\n"
            f"  {invocation('update', ..., model='model.pkl')}"
        )


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
        platforms = ", ".join(self.found)
        if self.listed:
            return f"The base {self.base} is not to be had for {self.platform}, only for {platforms}."
        another = option("base", "REFERENCE")
        return f"The base {self.base} is for {platforms}, not for {self.platform}. Name another: {another}"


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


class DockerfileError(ImageError):
    """The layers builder does not support a line of the Dockerfile.

    Args:
        line: Its number.
        instruction: What it says.
        problem: Which of its messages it has.
    """

    line: int
    instruction: str
    problem: Literal[
        "container", "file", "from", "instruction", "option", "recommends", "stage", "unreadable"
    ]

    def __str__(self) -> str:
        problem = {
            "container": "only a container can run that",
            "file": "no such file in the build context",
            "from": "there is none, so there is nothing to start from",
            "instruction": "the layers builder does not support this instruction",
            "option": "the layers builder does not support this option",
            "recommends": "apt-get also installs recommended packages here; add --no-install-recommends",
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


class EngineIdsError(ImageError):
    """A rootless engine has no id for the owner of a file in an image."""

    cause: str

    def __str__(self) -> str:
        return (
            f"The Docker Engine has no id for the owner of a file in the image: {self.cause}\n"
            "A rootless engine has only the ids of /etc/subuid and /etc/subgid. Give its user more of them,"
            " and restart the engine:\n"
            "  sudo usermod --add-subuids 200000-299999 --add-subgids 200000-299999 USER\n"
            "Or build without an engine:\n"
            f"  {invocation('build', ..., builder='layers')}"
        )


class BuildStepError(ImageError):
    """A step of the Dockerfile failed in the engine."""

    step: str
    tail: str

    def __str__(self) -> str:
        return f"The image was not built: this step failed.\n  {self.step}\n{self.tail}".rstrip()


class PackagesError(ImageError):
    """The lock cannot be installed for the image's platform and Python.

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


class ImagePythonError(ImageError):
    """The image was built, and its Python does not run."""

    cause: str

    def __str__(self) -> str:
        return f"The image was built, but its Python does not run: {self.cause}"


class ImageNotRunnableError(ImageError):
    """This machine cannot run the image, so it cannot be checked here."""

    reference: str
    why: str

    def __str__(self) -> str:
        return (
            f"The image {self.reference} was built, and cannot be checked here: {self.why}\n"
            f"Leave the check out: {either('check=False', '--no-check')}"
        )


class ImageCheckError(ImageError):
    """The image was built, but does not run as it should."""

    reference: str
    detail: str

    def __str__(self) -> str:
        return f"The image {self.reference} was built, but does not run as it should.\n{self.detail}".rstrip()
