"""Docker Hub: the registry of an image whose name has none, with names of its own. Standard library only."""

from __future__ import annotations

DOCKER_HUB = "docker.io"
API_HOST = "registry-1.docker.io"
_LOGIN = "https://index.docker.io/v1/"
_OTHER_NAMES = ("index.docker.io", API_HOST)


def split_registry(name: str) -> tuple[str, str]:
    """Return the registry and the repository of an image's name: `docker.io` and `churn` of `churn`.

    Source: the grammar of github.com/distribution/reference.
    """
    first, slash, repository = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return DOCKER_HUB, name
    return (DOCKER_HUB if first in _OTHER_NAMES else first), repository


def login_key(registry: str) -> str:
    """Return the name under which Docker's configuration keeps the login for a registry."""
    return _LOGIN if registry == DOCKER_HUB else registry


def repository_of(reference: str) -> str:
    """Return the reference of an image without its tag and digest."""
    name = reference.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
