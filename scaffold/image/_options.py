"""The options of a build."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from scaffold.errors import (
    BuilderOptionError,
    InvalidOptionError,
    MissingDestinationError,
    MissingFileError,
    PasswordInUrlError,
)
from scaffold.image._dependencies import MACHINES, PackageIndex
from scaffold.image.registry._credentials import Credentials
from scaffold.spec import Recording


class BuilderChoices(TypedDict, total=False):
    """How an image is built: keywords of `build` and of `deploy`, for type checkers."""

    builder: str
    platforms: tuple[str, ...]
    base: str | None
    index_url: str | None
    netrc: Path | None
    ca_bundle: Path | None
    credentials: Credentials | None
    insecure: bool
    network: str | None
    headers: Mapping[str, str]


class BuildChoices(BuilderChoices, total=False):
    """The builder's options, the name and the destination of an image: keywords of `build`."""

    tag: str | None
    registry: str | None
    push: bool
    unique_tag: bool
    output: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """The options of a build."""

    builder: str = "docker"
    """`docker`: a Docker Engine follows the Dockerfile. `layers`: the image is put together here."""
    tag: str | None = None
    """The whole reference, or only the tag; the model's version when absent."""
    registry: str | None = None
    """`registry.example.com/team`: put before the service's name."""
    push: bool = False
    output: Path | None = None
    """Only `layers`: write an OCI layout, or one file where the name ends in `.tar`."""
    platforms: tuple[str, ...] = ()
    """`linux/amd64`, `linux/arm64`; this machine's when empty."""
    base: str | None = None
    """In place of the Dockerfile's base."""
    index_url: str | None = None
    """A package index, without a password in it: that goes into `netrc`."""
    netrc: Path | None = None
    ca_bundle: Path | None = None
    """Certificates of a proxy that opens TLS, for the index and the registries."""
    credentials: Credentials | None = None
    """For the registry that is pushed to; from the environment or Docker's configuration when absent."""
    insecure: bool = False
    """Plain HTTP for a registry that is not on this machine."""
    network: str | None = None
    """Only `docker`: the network of the build's steps, e.g. `host`."""
    check: Recording | None = None
    """Run the image and replay this sample before the image is pushed or written."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of the check's requests, such as a token; never stored."""
    check_if_possible: bool = False
    """Skip the check if this machine cannot run the image."""
    unique_tag: bool = False
    """Push under a tag that no other image has, and do not move the requested tag."""

    def __post_init__(self) -> None:
        if self.builder not in ("docker", "layers"):
            raise InvalidOptionError("builder", self.builder)
        for name in self.platforms:
            if name not in {f"linux/{machine}" for machine in MACHINES}:
                raise InvalidOptionError("platforms", name)
        if self.builder == "docker" and len(self.platforms) > 1:
            raise BuilderOptionError("docker", "platforms")
        if self.builder == "docker" and self.output:
            raise BuilderOptionError("docker", "output")
        if self.builder == "layers" and not (self.push or self.output):
            raise MissingDestinationError()
        for path in (self.netrc, self.ca_bundle):
            if path and not path.is_file():
                raise MissingFileError(str(path))
        if self.index_url and "@" in self.index_url.partition("://")[2].partition("/")[0]:
            raise PasswordInUrlError()

    @property
    def target_platforms(self) -> tuple[str, ...]:
        """The requested platforms, or that of this machine."""
        machine = platform.machine().lower()
        names = {**{wheel: image for image, wheel in MACHINES.items()}, "amd64": "amd64", "arm64": "arm64"}
        return self.platforms or (f"linux/{names.get(machine, 'amd64')}",)

    def pushed_tag(self, tag: str, digest: str) -> str:
        """Return the tag to push under: `tag`, or one that only the image of this digest has."""
        return f"{tag[:115]}-{digest.removeprefix('sha256:')[:12]}" if self.unique_tag else tag

    @property
    def index(self) -> PackageIndex:
        """The package index."""
        return PackageIndex(url=self.index_url, netrc=self.netrc, ca_bundle=self.ca_bundle)
