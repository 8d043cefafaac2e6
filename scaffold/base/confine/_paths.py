"""Which paths Python and its libraries need, and which paths of a user's folder are granted."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._landlock import READ, READ_DIR, READ_FILE, USE_DEVICE, WRITE, Grant

_LIBRARIES = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
# fmt: off
_ETC = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "localtime", "timezone", "locale.alias",
    "locale.conf", "default/locale", "hosts", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf",
    "services", "protocols", "networks", "passwd", "group", "mime.types", "os-release", "lsb-release",
    "debian_version", "alpine-release", "redhat-release", "alternatives", "fonts", "ssl/openssl.cnf",
    "ssl/certs", "ssl/cert.pem", "ca-certificates", "crypto-policies", "pki/tls/openssl.cnf",
    "pki/tls/certs", "pki/tls/cert.pem", "pki/ca-trust", "OpenCL",
)
_PROC = (
    "cpuinfo", "meminfo", "stat", "version", "filesystems", "uptime", "loadavg", "vmstat", "sys", "self",
)
_SYS = ("/sys/devices", "/sys/bus/pci", "/sys/fs/cgroup", "/sys/kernel/mm")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Folders that unrelated files share.
_SHARED_FOLDERS = (
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/private",
    "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/tmp", "/Users",  # noqa: S108 - not written to
)
# fmt: on
_MOST_ENTRIES = 10_000


def readable_system_paths() -> tuple[Path, ...]:
    """The paths that can be read without being named: this interpreter, its libraries and what they read."""
    return tuple(Path(path) for path in _system_paths())


def grants(
    readable: Iterable[Path], readable_whole: Iterable[Path], writable: Iterable[Path]
) -> tuple[list[Grant], tuple[str, ...]]:
    """Return the rights on all paths, and the folders of `readable` that are not fully granted."""
    rights = [Grant(path, READ) for path in _system_paths()]
    rights += [Grant(path, USE_DEVICE) for path in DEVICES]
    unread: list[str] = []
    for path in readable:
        rights += _visible(os.path.realpath(path), unread)
    for code in _paths_of_code():
        rights += _visible(os.path.realpath(code), [])
    rights += [Grant(str(path), READ) for path in readable_whole]
    rights += [Grant(str(path), WRITE) for path in writable]
    return rights, tuple(unread)


def _system_paths() -> list[str]:
    paths = [*_LIBRARIES, *_prefixes(), *_linked_libraries(), *_linked_distributions()]
    paths.append(str(Path(__file__).parents[2]))
    paths += [f"/etc/{name}" for name in _ETC]
    paths += [f"/proc/{name}" for name in _PROC]
    return [path for path in dict.fromkeys([*paths, *_SYS]) if os.path.exists(path)]  # noqa: PTH110


@functools.cache
def _prefixes() -> tuple[str, ...]:
    """The folders of this interpreter. A prefix that is the user's home or `/` gives its parts only."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    unshared = {path for path in prefixes if not _is_shared(os.path.realpath(path))}
    for path in sysconfig.get_paths().values():
        if not _is_below(path, unshared) and not _is_shared(os.path.realpath(path)):
            unshared.add(path)
    return tuple(sorted(unshared))


def _paths_of_code() -> list[str]:
    """The entries of `sys.path` outside the interpreter: editable installs, folders of the user."""
    absolute = (path for path in sys.path if path.startswith(os.sep) and os.path.exists(path))  # noqa: PTH110
    return [path for path in absolute if not _is_below(path, _prefixes())]


def _linked_libraries() -> Iterator[str]:
    """The folders of shared libraries that the dynamic linker knows of, outside `/usr`."""
    folders = set(os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep))
    with contextlib.suppress(OSError):
        texts = Path("/etc/ld.so.cache").read_bytes().split(b"\0")
        folders |= {os.fsdecode(text.rpartition(b"/")[0]) for text in texts if text.startswith(b"/")}
    for folder in folders:
        if folder.startswith("/") and not _is_below(folder, _LIBRARIES):
            real = os.path.realpath(folder)
            if not _is_shared(real):
                yield real


def _linked_distributions() -> set[str]:
    """The folders of distributions that are installed as links into a cache (`uv --link-mode symlink`)."""
    caches = set()
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".dist-info"):
                    metadata = entry.path + "/METADATA"
                    if os.path.islink(metadata):  # noqa: PTH114
                        caches.add(str(Path(os.path.realpath(metadata)).parents[1]))
    return {cache for cache in caches if not _is_shared(cache)}


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any((path + os.sep).startswith(folder + os.sep) for folder in folders)


def _is_shared(path: str) -> bool:
    """Whether unrelated files share a folder: the root, a home, `/tmp`."""
    return path in _SHARED_FOLDERS or any(_is_below(home, [path]) for home in _homes())


@functools.cache
def _homes() -> set[str]:
    homes = {os.environ.get("HOME", "")}
    with contextlib.suppress(ImportError, KeyError, OSError):
        import pwd

        homes.add(pwd.getpwuid(os.getuid()).pw_dir)
    return {os.path.realpath(home) for home in homes if home}


@dataclass(slots=True)
class _Folder:
    path: str
    files: list[str] = field(default_factory=list)
    folders: list[_Folder] = field(default_factory=list)
    has_hidden: bool = False
    """Whether something in it, at any depth, is hidden or was not looked at."""


def _visible(path: str, unread: list[str]) -> list[Grant]:
    """Rights on a file, or on a folder without what is hidden in it.

    A right that Landlock gives on a folder holds for all that is below. So a folder with a hidden entry
    gives the names below it, and the content of each visible entry one by one. Links are not followed: a
    folder from elsewhere could hold one to the user's keys.
    """
    if not os.path.isdir(path):  # noqa: PTH112
        return [Grant(path, READ_FILE)]
    if _is_shared(path):
        unread.append(path)
        return _code_in(path)
    top = _Folder(path)
    folders = _explore(top, unread)
    for folder in reversed(folders):
        folder.has_hidden = folder.has_hidden or any(inner.has_hidden for inner in folder.folders)
    return [Grant(path, READ_DIR, follow=False), *_content(top)]


def _code_in(path: str) -> list[Grant]:
    """Rights on the Python code in a home folder or the like, where a script may lie, and on no more.

    Python looks modules up by listing the folder, so the names below it can be seen, not the content.
    """
    code_grants: list[Grant] = []
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_file(follow_symlinks=False) and entry.name.endswith((".py", ".ipynb")):
                code_grants.append(Grant(entry.path, READ_FILE, follow=False))
            elif os.path.exists(os.path.join(entry.path, "__init__.py")):  # noqa: PTH110, PTH118
                code_grants += _visible(entry.path, [])
    return [Grant(path, READ_DIR, follow=False), *code_grants] if code_grants else []


def _explore(top: _Folder, unread: list[str]) -> Sequence[_Folder]:
    """Return the folders below `top`, outer ones first; add `top` to `unread` if it has too many entries."""
    waiting, visited, remaining = deque([top]), list[_Folder](), _MOST_ENTRIES
    while waiting:
        folder = waiting.popleft()
        visited.append(folder)
        try:
            entries = os.scandir(folder.path)
        except OSError:
            folder.has_hidden = True
            continue
        with entries:
            for entry in entries:
                remaining -= 1
                if remaining < 0:
                    folder.has_hidden = True
                    break
                if entry.name.startswith("."):
                    folder.has_hidden = True
                elif entry.is_dir(follow_symlinks=False):
                    folder.folders.append(_Folder(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    folder.files.append(entry.path)
        waiting.extend(folder.folders)
    if remaining < 0:
        unread.append(top.path)
    return visited


def _content(top: _Folder) -> Iterator[Grant]:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if not folder.has_hidden:
            yield Grant(folder.path, READ_FILE, follow=False)
            continue
        yield from (Grant(path, READ_FILE, follow=False) for path in folder.files)
        waiting += folder.folders
