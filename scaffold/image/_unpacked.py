"""The proof of an image that was put together without an engine: unpacked, started and asked.

What runs is what was packed. Base and layers become the root of a process in namespaces of its own, read-only
but for `/tmp`, as a user that the image does not know (root of a user namespace where the caller is not).
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import platform
import random
import shutil
import signal
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from scaffold._process import start_command
from scaffold.errors import ImageCheckError
from scaffold.image._base import open_layer
from scaffold.image._dependencies import MACHINES
from scaffold.image._oci import PlatformImage
from scaffold.image._running import free_port, wait_until_ready

_TAIL_LINES = 30
_END_S = 10
# Run by sh as root of its own mount namespace: $0 is the folder, the rest the command.
_MOUNTS = """
mount --bind "$0" "$0" && mount -t tmpfs none "$0/tmp" &&
mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" &&
mount -o remount,bind,ro "$0" && exec "$@"
"""
_ENTER = """
import json, os, sys, warnings
root, user, config, env = json.loads(sys.argv[1])
os.chroot(root)
os.chdir(config.get('WorkingDir') or '/')
if user:
    os.setgroups([])
    os.setgid(0)
    os.setuid(user)
command = [*(config.get('Entrypoint') or ()), *(config.get('Cmd') or ())]
os.execvpe(command[0], command, env)
"""


@contextlib.contextmanager
def run_unpacked(image: PlatformImage, folder: Path, reference: str) -> Iterator[str]:
    """Unpack the image into `folder`, start it, give its URL and end it.

    Raises:
        ImageCheckError: It cannot be run on this machine, does not start, or is not ready in time.
    """
    machine = image.platform.rpartition("/")[2]
    if platform.system() != "Linux" or MACHINES[machine] != platform.machine() or not shutil.which("unshare"):
        raise ImageCheckError(reference, f"  It is for {image.platform}; this machine cannot run that.")
    root = folder / "root"
    root.mkdir(mode=0o755)
    for part in image.parts:
        assert part.blob.path is not None
        _unpack(part.blob.path, part.blob.media_type, root)
    for name in ("tmp", "dev", "proc"):
        (root / name).mkdir(exist_ok=True)
    config = json.loads(image.config.content)["config"]
    port = free_port()
    with _started(root, config, port) as (stopped, log):
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, reference, stopped, log)
        yield url


@contextlib.contextmanager
def _started(
    root: Path, config: Mapping[str, Any], port: int
) -> Iterator[tuple[Callable[[], bool], Callable[[], str]]]:
    """Start the image's command; give two answers: whether it stopped, and the end of what it printed."""
    env = dict(item.partition("=")[::2] for item in config.get("Env", ())) | {"PORT": str(port)}
    is_root = os.geteuid() == 0
    user = random.randrange(100_000, 1_000_000) if is_root else 0  # noqa: S311  # any will do
    namespaces = ["--mount"] if is_root else ["--mount", "--user", "--map-root-user"]
    command = ["unshare", *namespaces, "sh", "-c", _MOUNTS, str(root)]
    command += [sys.executable, "-c", _ENTER, json.dumps([str(root), user, config, env])]
    process = start_command(command)
    tail: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)

    def drain() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.decode("utf-8", "replace").rstrip())

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        yield lambda: process.poll() is not None, lambda: "\n".join(tail)
    finally:
        end = time.monotonic() + _END_S
        for order in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, order)
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
        process.wait()
        reader.join()


def _unpack(layer: Path, media_type: str, root: Path) -> None:
    """Lay a layer over what is there, and nothing outside. Source: the image specification, "Whiteouts".

    tarfile's own filters came with Python 3.11.4 and refuse the absolute links that images have.
    """
    with open_layer(layer, media_type) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        tar.extraction_filter = lambda member, _: member
        for member in tar:
            member.name = member.name.lstrip("/")
            path = PurePosixPath(member.name)
            if not _is_below(root, path) or member.isdev():
                continue
            if path.name == ".wh..wh..opq":
                shutil.rmtree(root / path.parent, ignore_errors=True)
                (root / path.parent).mkdir()
            elif path.name.startswith(".wh."):
                _remove(root / path.parent / path.name.removeprefix(".wh."))
            else:
                _extract(tar, member, root)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    if member.islnk():
        member.linkname = member.linkname.lstrip("/")
        if not _is_below(root, PurePosixPath(member.linkname)):
            return
    if not member.isdir():
        _remove(root / member.name)
    tar.extract(member, root, numeric_owner=True)


def _is_below(root: Path, path: PurePosixPath) -> bool:
    """Whether what lies at a path of the image, the links above it followed, lies in `root`."""
    above = (root / path.parent).resolve()
    return ".." not in path.parts and above.is_relative_to(root.resolve())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
