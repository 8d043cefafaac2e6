"""The login for a registry: from an argument, the environment, or Docker's configuration.

Docker's configuration and its credential helpers (Amazon's, Google's, Azure's, the desktop's) are read by the
Docker SDK, so that what `docker login` set up holds here.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.base.docker_hub import login_key
from scaffold.errors import CredentialHelperError, DockerConfigError, IncompleteLoginError


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user and a password, or the token that stands for both. The secret shows in no `repr`."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def explicit_credentials(credentials: Credentials | None) -> Credentials | None:
    """Return the login for the push registry: the argument, else that in the environment.

    Raises:
        UsageError: The environment names a user without a password, or the reverse.
    """
    if credentials:
        return credentials
    username, password = (
        os.environ.get(f"SCAFFOLD_REGISTRY_{part}", "") for part in ("USERNAME", "PASSWORD")
    )
    if bool(username) != bool(password):
        raise IncompleteLoginError("variables")
    return Credentials(username=username, password=password) if username else None


def stored_credentials(registry: str) -> Credentials | None:
    """Return the login from `docker login` or a credential helper, or None.

    Raises:
        CredentialHelperError: A credential helper is configured and does not work.
        DockerConfigError: Docker's configuration cannot be read.
    """
    from docker import auth
    from docker.errors import DockerException, InvalidConfigFile

    path, config = _docker_config()
    key = login_key(registry)
    helper = (config.get("credHelpers") or {}).get(key) or config.get("credsStore")
    if helper and shutil.which(f"docker-credential-{helper}") is None:
        raise CredentialHelperError(registry, missing=f"docker-credential-{helper}")
    try:
        login = auth.load_config().resolve_authconfig(key) or {}
    except (ValueError, InvalidConfigFile):
        raise DockerConfigError(path, "an entry of auths is no login") from None
    except DockerException as error:
        # Only the type and the registry: a helper's output may hold a secret.
        raise CredentialHelperError(registry, type(error).__name__) from None
    username = login.get("username") or login.get("Username") or ""
    password = login.get("password") or login.get("Password") or ""
    token = login.get("identitytoken") or login.get("IdentityToken") or ""
    if not (password or token):
        return None
    return Credentials(username=username, password=password, identity_token=token)


def logged_in_registries() -> tuple[str, ...]:
    """Return the registries with a login in Docker's configuration; empty if it cannot be read."""
    try:
        _, config = _docker_config()
        keys = [*(config.get("auths") or {}), *(config.get("credHelpers") or {})]
    except (ImportError, DockerConfigError, TypeError):
        return ()
    hosts = (str(key).removeprefix("https://").partition("/")[0] for key in keys)
    return tuple(dict.fromkeys("docker.io" if host == "index.docker.io" else host for host in hosts))


def _docker_config() -> tuple[str, dict[str, Any]]:
    """Return the path and the content of Docker's config.json; empty without the file."""
    from docker.utils.config import find_config_file

    path = find_config_file()
    if path is None or Path(path).name != "config.json":
        return "", {}
    try:
        config = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DockerConfigError(path, str(error)) from None
    if not isinstance(config, dict):
        raise DockerConfigError(path, "it is no JSON object")
    return path, config
