"""Whether a Docker Engine and a registry are usable on this machine."""

from __future__ import annotations

import os
import shutil

from scaffold.errors import (
    EngineNotRunningError,
    MissingExtraError,
    RegistryLoginError,
    UntrustedRegistryError,
    UploadError,
)
from scaffold.errors.wording import shell_line
from scaffold.image._engine import connect
from scaffold.image.registry._credentials import explicit_credentials, stored_credentials
from scaffold.image.registry._reference import is_loopback, parse_reference
from scaffold.spec import Prerequisite, State


def check_engine() -> Prerequisite:
    """Return the state and version of the Docker Engine.

    Raises:
        MissingExtraError: The `image` extra is not installed.
    """
    try:
        client = connect()
    except ImportError as error:
        raise MissingExtraError("image", error.name or "docker") from error
    except EngineNotRunningError as error:
        state, fix = _engine_fix(error.detail)
        return Prerequisite(name="engine", state=state, found=f"{error.host}: {error.detail}", fix=fix)
    version = client.version()
    description = f"Docker Engine {version.get('Version', '')} at {client.api.base_url}"
    return Prerequisite(name="engine", state=State.OK, found=description)


def check_registry(registry: str, timeout_s: float) -> Prerequisite:
    """Return whether a registry answers and accepts the stored login.

    Args:
        registry: The host, with its port.
        timeout_s: For each request.

    Raises:
        MissingExtraError: The `image` extra is not installed.
    """
    name = f"registry {registry}"
    try:
        from scaffold.image.registry._requests import Patience, Requests

        credentials = explicit_credentials(None) or stored_credentials(registry)
        requests = Requests(
            parse_reference(f"{registry}/doctor"),
            credentials,
            insecure=False,
            ca_bundle=None,
            patience=Patience(attempts=1),
        )
    except ImportError as error:
        raise MissingExtraError("image", error.name or "requests") from error
    login = shell_line("docker", "login", registry)
    try:
        wants_login = requests.ping(timeout_s)
    except RegistryLoginError as error:
        problem = "the stored login is not accepted" if credentials else "no login is stored"
        problem += f": {error.detail}" if error.detail else ""
        return Prerequisite(name=name, state=State.MISSING, found=problem, fix=login)
    except UntrustedRegistryError as error:
        place = f"/etc/docker/certs.d/{registry}/ca.crt"
        fix = f"sudo {shell_line('install', '-D', '-m', '644', 'ca.crt', place)}"
        return Prerequisite(name=name, state=State.UNREACHABLE, found=error.cause, fix=fix)
    except UploadError as error:
        port = registry.rpartition(":")[2]
        local = shell_line("docker", "run", "-d", "-p", f"{port}:5000", "registry:2")
        fix = local if is_loopback(registry) else "export HTTPS_PROXY=http://proxy.example.org:3128"
        return Prerequisite(name=name, state=State.UNREACHABLE, found=error.detail, fix=fix)
    if wants_login and credentials is None:
        return Prerequisite(name=name, state=State.MISSING, found="no login is stored", fix=login)
    user = f"login of {credentials.username or 'a token'}" if credentials else "no login is asked for"
    return Prerequisite(name=name, state=State.OK, found=user)


def _engine_fix(detail: str) -> tuple[State, str]:
    """Return why an engine does not answer (not installed, not started, no permission), and the fix."""
    if "Permission denied" in detail:
        return State.UNREACHABLE, "sudo usermod -aG docker $USER && newgrp docker"
    if os.environ.get("DOCKER_HOST"):
        return State.UNREACHABLE, "unset DOCKER_HOST"
    if shutil.which("docker"):
        return State.UNREACHABLE, "sudo systemctl start docker"
    if shutil.which("podman"):
        socket = "export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/podman/podman.sock"
        return State.UNREACHABLE, f"systemctl --user start podman.socket && {socket}"
    return State.MISSING, "curl -fsSL https://get.docker.com | sudo sh"
