"""Image references: `registry/repository:tag@digest`, with Docker's defaults filled in.

Source: the grammar of github.com/distribution/reference.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from scaffold.base.docker_hub import API_HOST, DOCKER_HUB, split_registry
from scaffold.errors import InvalidOptionError, RegistryError

_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image at a registry."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The reference as Docker shows it, without default parts."""
        return str(self).removeprefix(f"{DOCKER_HUB}/").removeprefix("library/")

    @property
    def host(self) -> str:
        """The host of the registry's API: that of Docker Hub has another name."""
        return API_HOST if self.registry == DOCKER_HUB else self.registry

    @property
    def version(self) -> str:
        """The digest, or the tag without one: identifies the manifest."""
        return self.digest or self.tag

    def at(self, digest: str) -> Reference:
        """Return the same image by its digest alone."""
        return replace(self, tag="", digest=digest)


def parse_reference(text: str) -> Reference:
    """Return the parts of an image reference; the tag is `latest` without tag and digest.

    Raises:
        UsageError: The text is not an image reference.
    """
    without_digest, _, digest = text.partition("@")
    name, colon, tag = without_digest.rpartition(":")
    if not (colon and tag) or "/" in tag:
        name, tag = without_digest, ""
    registry, repository = split_registry(name)
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if (
        not _REPOSITORY.fullmatch(repository)
        or (tag and not _TAG.fullmatch(tag))
        or (digest and not _DIGEST.fullmatch(digest))
    ):
        raise InvalidOptionError("tag", text)
    if not tag and not digest:
        tag = "latest"
    return Reference(registry=registry, repository=repository, tag=tag, digest=digest)


def checked_digest(digest: object, where: str) -> str:
    """Return `digest`, which is safe as a part of a path and of a URL: `sha256:` and 64 digits.

    Raises:
        RegistryError: The text is not a digest, or has another algorithm.
    """
    if isinstance(digest, str) and _DIGEST.fullmatch(digest):
        return digest
    raise RegistryError(where, 200, f"{str(digest)[:80]!r} is no digest: sha256: and 64 hexadecimal digits")


def is_loopback(registry: str) -> bool:
    """Return whether a registry is on this machine, where plain HTTP does no harm."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
