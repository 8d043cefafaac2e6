"""What was typed for an image cannot be done."""

from __future__ import annotations

from typing import Literal

from scaffold.errors.branches import UsageError
from scaffold.errors.wording import invocation, option


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
    """The layers builder needs the destination of the image."""

    def __str__(self) -> str:
        return (
            "The layers builder has no engine to leave the image in: say where it goes.\n"
            f"  {invocation('build', ..., builder='layers', push=True)}\n"
            f"  {invocation('build', ..., builder='layers', output='image.tar')}"
        )


class NoRegistryError(UsageError):
    """The name of an image to push has no registry."""

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
    """An option names a file that does not exist."""

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
