"""Start and stop a project's service."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

from scaffold.base.client import Client, free_port, is_refusal
from scaffold.base.confine import Confinement, Open, Serve, confined_environment, launch_command
from scaffold.base.layout import APP
from scaffold.base.package import find_package, import_name
from scaffold.base.process import end_process, start_command
from scaffold.base.routes import await_routes
from scaffold.base.temporary import TemporaryFolder
from scaffold.base.variables import OF_IMAGES, READ_AT_START, minimal_environment
from scaffold.errors import NoReadinessError, ServiceNotStartedError

STOP_S = 15.0
"""Seconds that a service, or what asks it, may take to end."""
_POLL_S = 0.02
_LOG_LINES = 30
_HASH_SEED = "1"
"""Not that of the worker: each start of a deployed service has another."""


class Service(Client):
    """A running service on this machine; made by `start_service`."""

    def __init__(self, process: Popen[bytes], url: str, headers: Mapping[str, str]) -> None:
        super().__init__(url, headers=headers)
        self._process = process
        self.load_s = 0.0
        """Seconds from the start until it was ready."""

    def openapi(self) -> str:
        """Return the service's OpenAPI document as indented JSON; empty if it is not published."""
        answer = self.get(self.protocol.openapi)
        if answer.status != 200 or not answer.is_json:
            return ""
        return json.dumps(answer.body, indent=2, ensure_ascii=False) + "\n"

    def peak_memory_bytes(self) -> int:
        """Return the most memory that the process has held so far; 0 where the system does not say."""
        with contextlib.suppress(OSError), Path(f"/proc/{self._process.pid}/status").open() as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofAccess:
    """What a service may reach while it is proven, besides its project, its libraries and its own port."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that no file of the project sets: the secrets that the model reads."""
    read: Sequence[Path] = ()
    """Files and folders that it may read."""
    network: bool = False
    """Whether it may connect to other machines."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request of the proof, such as a token; they are written nowhere."""


@contextlib.contextmanager
def start_service(
    root: Path,
    python: Path,
    *,
    timeout_s: float = 300.0,
    settings: Mapping[str, str] | None = None,
    access: ProofAccess | None = None,
) -> Iterator[Service]:
    """Run the project `root` with `python` on a free loopback port until the block ends.

    Args:
        root: The project.
        python: The interpreter of its environment.
        timeout_s: Seconds until it must be ready.
        settings: Further environment variables.
        access: Confines it by the kernel to this, with few variables; `None` runs it as this process runs.

    Raises:
        ServiceFailedError: It ended, was not ready after `timeout_s` seconds, or refuses `/readyz`; carries
            the end of its log.
    """
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile())
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        began = time.monotonic()
        if access is None:
            process = _start(root, python, "127.0.0.1", port, settings or {}, log)
        else:
            folder = Path(stack.enter_context(TemporaryFolder("service")))
            process = _start_confined(root.absolute(), python, port, access, folder, log)
        try:
            with contextlib.closing(Service(process, url, access.headers if access else {})) as service:
                _await_ready(root, process, service, timeout_s, log)
                service.load_s = time.monotonic() - began
                yield service
        finally:
            end_process(process, patience_s=STOP_S)


def serve_project(
    root: Path, python: Path, *, host: str, port: int, settings: Mapping[str, str] | None = None
) -> int:
    """Run the service in the foreground until it is interrupted or ended; return its exit status.

    Args:
        root: The project.
        python: The interpreter of an environment that holds what its lock says.
        host: The address to listen at: `127.0.0.1`.
        port: The port to listen at.
        settings: Further environment variables.
    """
    before = signal.getsignal(signal.SIGTERM)
    with contextlib.suppress(ValueError):  # only the main thread can handle signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the service would keep running
    try:
        process = _start(root, python, host, port, settings or {}, None)
        try:
            return process.wait()
        except KeyboardInterrupt:
            end_process(process, patience_s=STOP_S)
            return 0
    finally:
        with contextlib.suppress(ValueError, TypeError):  # a handler set from C cannot be restored
            signal.signal(signal.SIGTERM, before)


def _start_confined(
    root: Path, python: Path, port: int, access: ProofAccess, folder: Path, log: IO[bytes]
) -> Popen[bytes]:
    """Start the service with a minimal environment, confined by the kernel; it writes below `folder` only."""
    confinement = Confinement(
        readable=(root,),
        readable_whole=(*(path.absolute() for path in access.read), folder),
        writable=(folder,),
        network=Open() if access.network else Serve(port=port),
        parent_pid=os.getpid(),
    )
    module, *arguments = _command(root, "127.0.0.1", port)
    environ = {
        **minimal_environment(os.environ),
        **import_path(root),
        "PYTHONHASHSEED": _HASH_SEED,
        **confined_environment(folder),
        **access.variables,
    }
    command = launch_command(python, confinement, module, arguments)
    return start_command(
        command, cwd=root, env={**environ, "BIND_HOST": "127.0.0.1", "PORT": str(port)}, output=log
    )


def _start(
    root: Path, python: Path, host: str, port: int, settings: Mapping[str, str], log: IO[bytes] | None
) -> Popen[bytes]:
    # No PYTHON* and no active environment: the service must find neither our modules nor the user's.
    # Time zone and language are those of the proof and of the image.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA")) and name not in READ_AT_START
    }
    service_settings = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "BIND_HOST": host,
        "PORT": str(port),
        **import_path(root),
    }
    command = [str(python), "-m", *_command(root, host, port)]
    return start_command(
        command, cwd=root, env={**inherited, **OF_IMAGES, **service_settings, **settings}, output=log
    )


def _command(root: Path, host: str, port: int) -> list[str]:
    """Return the arguments with which the image starts Python; plain uvicorn for templates without them."""
    package = find_package(root) or APP
    name = import_name(root, package)
    if (root / package / "__main__.py").exists():
        return [name]
    return ["uvicorn", f"{name}.main:app", "--host", host, "--port", str(port)]


def import_path(root: Path) -> dict[str, str]:
    """Return the variable that lets Python find a package below `src/`; empty if it is at the top level."""
    package = find_package(root) or APP
    folder = package.removesuffix(import_name(root, package).replace(".", "/"))
    return {"PYTHONPATH": str(root.absolute() / folder)} if folder else {}


def _await_ready(root: Path, process: Popen[bytes], client: Client, timeout_s: float, log: IO[bytes]) -> None:
    def is_over() -> bool:
        return process.poll() is not None

    ready = await_routes(client, root, timeout_s=timeout_s, poll_s=_POLL_S, is_over=is_over)
    if ready.is_ready:
        return
    if is_refusal(ready.last) and not is_over():
        raise NoReadinessError(client.protocol.ready, ready.last, _end(log))
    raise ServiceNotStartedError(process.returncode, _end(log))


def _end(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode("utf-8", "replace").rstrip().splitlines()[-_LOG_LINES:])
