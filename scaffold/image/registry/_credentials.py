"""The login for a registry: from an argument, the environment, or Docker's configuration.

Docker's configuration and its credential helpers (Amazon's, Google's, Azure's, the desktop's) are read by the
Docker SDK, so that what `docker login` set up holds here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from scaffold.base.docker_hub import login_key
from scaffold.errors import CredentialHelperError, IncompleteLoginError


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and a password, or the token that stands for both. The secret shows in no `repr`."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def given_credentials(given: Credentials | None) -> Credentials | None:
    """Return what was given as an argument or in the environment, for the registry that is pushed to.

    Raises:
        UsageError: The environment names a user without a password, or the reverse.
    """
    if given:
        return given
    username, password = (
        os.environ.get(f"SCAFFOLD_REGISTRY_{part}", "") for part in ("USERNAME", "PASSWORD")
    )
    if bool(username) != bool(password):
        raise IncompleteLoginError("variables")
    return Credentials(username=username, password=password) if username else None


def stored_credentials(registry: str) -> Credentials | None:
    """Return what `docker login` and the credential helpers know; nothing where they know nobody.

    Raises:
        ImageError: A credential helper is configured and does not work.
    """
    from docker import auth
    from docker.errors import DockerException

    try:
        found = auth.load_config().resolve_authconfig(login_key(registry)) or {}
    except DockerException as error:
        # Only the type and the registry: a helper's output may hold what it should have kept.
        raise CredentialHelperError(registry, type(error).__name__) from None
    username = found.get("username") or found.get("Username") or ""
    password = found.get("password") or found.get("Password") or ""
    token = found.get("identitytoken") or found.get("IdentityToken") or ""
    if not (password or token):
        return None
    return Credentials(username=username, password=password, identity_token=token)
