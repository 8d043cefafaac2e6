"""Check an image that was built without an engine: unpack and start it.

Base and layers become the root folder of a process in namespaces of its own, read-only except `/tmp`. The
process runs as a user that the image does not know; a caller who is not root gets a user namespace.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import platform
import shutil
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffold.base.client import Client, free_port
from scaffold.base.process import end_process, run_command, start_command
from scaffold.errors import CommandError, ImageNotRunnableError
from scaffold.image._dependencies import MACHINES
from scaffold.image._oci import PlatformImage
from scaffold.image._running import ServiceAccess, any_user, await_service
from scaffold.image.layers._base import open_layer

_TAIL_LINES = 30
_END_S = 10
_MOST_LINKS = 40  # in one path, as in Linux
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
def run_unpacked(
    image: PlatformImage, folder: Path, reference: str, access: ServiceAccess
) -> Iterator[Client]:
    """Unpack and start the image, yield a client of its service, and stop it.

    Args:
        image: The image.
        folder: Where it is unpacked.
        reference: What it is called.
        access: The routes and headers of the service.

    Raises:
        ImageNotRunnableError: It cannot be run on this machine.
        ImageCheckError: It does not start, or is not ready in time.
    """
    machine = image.platform.rpartition("/")[2]
    if platform.system() != "Linux" or MACHINES[machine] != platform.machine() or not shutil.which("unshare"):
        raise ImageNotRunnableError(reference, f"it is for {image.platform}; this machine cannot run that")
    root = folder / "root"
    root.mkdir(mode=0o755)
    try:
        run_command([*_unshare(), "mount", "--bind", str(root), str(root)])
    except CommandError as error:
        why = f"this machine does not let it have namespaces of its own ({error.tail.strip()[-200:]})"
        raise ImageNotRunnableError(reference, why) from error
    for part in image.parts:
        assert part.blob.path is not None
        _unpack(part.blob.path, part.blob.media_type, root)
    for name in ("tmp", "dev", "proc"):
        if (root / name).is_symlink():
            _remove(root / name)
        _make_folder(root / name)
    config = json.loads(image.config.content)["config"]
    port = free_port()
    with _started(root, config, port) as (stopped, log):
        url = f"http://127.0.0.1:{port}"
        with contextlib.closing(await_service(url, reference, access, stopped, log)) as service:
            yield service


@contextlib.contextmanager
def _started(
    root: Path, config: Mapping[str, Any], port: int
) -> Iterator[tuple[Callable[[], bool], Callable[[], str]]]:
    """Start the image's command; yield functions that return whether it stopped and the end of its output."""
    env = dict(item.partition("=")[::2] for item in config.get("Env", ())) | {"PORT": str(port)}
    user = any_user() if os.geteuid() == 0 else 0
    command = [*_unshare(), "sh", "-c", _MOUNTS, str(root)]
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
        end_process(process, patience_s=_END_S)
        reader.join()


def _unshare() -> list[str]:
    """Return the start of a command that runs in its own mount namespace."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


def _unpack(layer: Path, media_type: str, root: Path) -> None:
    """Unpack a layer over those below, never outside `root`. Source: the image specification, "Whiteouts".

    Links above a file are followed as the image's own process would, whose root is `root`; a link in the
    place of a file is replaced. Devices and setuid bits are left out.
    """
    with open_layer(layer, media_type) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            path = _inside(root, member.name)
            if path is None or member.isdev():
                continue
            if path.name == ".wh..wh..opq":
                for hidden in path.parent.iterdir() if path.parent.is_dir() else ():
                    _remove(hidden)
            elif path.name.startswith(".wh."):
                if (name := path.name.removeprefix(".wh.")) not in ("", ".", ".."):
                    _remove(path.with_name(name))
            else:
                _extract(tar, member, path, root)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, root: Path) -> None:
    """Create one file, folder or link at `path`, whose parents are not links."""
    if not (member.isdir() and path.is_dir() and not path.is_symlink()):
        _remove(path)
    _make_folder(path.parent)
    if member.isdir():
        path.mkdir(exist_ok=True)
        path.chmod(member.mode & 0o777 | 0o700)
    elif member.issym():
        path.symlink_to(member.linkname)
    elif member.islnk():
        link_target = _inside(root, member.linkname)
        if link_target is not None and (link_target.is_symlink() or link_target.is_file()):
            os.link(link_target, path, follow_symlinks=False)
    elif (content := tar.extractfile(member)) is not None:
        with content, path.open("xb") as file:
            shutil.copyfileobj(content, file)
        path.chmod(member.mode & 0o777)
        with contextlib.suppress(OverflowError):
            os.utime(path, (member.mtime, member.mtime))  # bytecode files contain the times of their sources


def _inside(root: Path, name: str) -> Path | None:
    """Return the location of an image path below `root`, with parent links resolved; None for a bad path."""
    waiting = [part for part in name.split("/") if part not in ("", ".")][::-1]
    if not waiting or ".." in waiting or "\0" in name:
        return None
    place, links = root, 0
    while len(waiting) > 1:
        part = waiting.pop()
        if part == "..":  # of a link's target; the root is above itself
            place = place.parent if place != root else root
            continue
        place /= part
        if place.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                return None
            target = str(place.readlink())
            place = root if target.startswith("/") else place.parent
            waiting += [part for part in target.split("/") if part not in ("", ".")][::-1]
    return place / waiting[0]


def _make_folder(path: Path) -> None:
    """Create a folder and its parents; replace a file in the way."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    _remove(path)
    path.mkdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
