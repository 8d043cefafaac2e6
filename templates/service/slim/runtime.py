"""Copy what the service needs of its base: Python, shared libraries, certificates, time zones.

The Dockerfile runs it: python3 runtime.py PACKAGES TARGET
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

ALSO = (
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/ssl",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
)
# Parts of the standard library and of the time zones that no service uses.
LEFT_OUT = {"dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tkinter"}
LEFT_OUT |= {"posix", "right", "turtledemo"}
# The C library loads these itself, so that `ldd` does not list them.
BESIDE_LIBC = ("libgcc_s.so.1", "libnss_dns.so.2", "libnss_files.so.2")
DPKG = Path("/var/lib/dpkg")


def main(packages: Path, target: Path) -> None:
    """Copy Python, and what the packages in a virtual environment load."""
    interpreter, library = Path(sys.executable), Path(sysconfig.get_path("stdlib"))
    standard = [*files_below(library)]
    also = [path for name in ALSO for path in [Path(name), *files_below(Path(name))]]
    modules = [path for path in [*standard, *packages.rglob("*")] if ".so" in path.suffixes]
    programs = [path for path in also if path.is_file() and os.access(path, os.X_OK)]
    found = libraries_of([interpreter, *modules, *programs])
    libraries = [path for path in sorted(found) if not path.is_relative_to(packages)]
    (target / "tmp").mkdir(parents=True)
    (target / "tmp").chmod(0o1777)
    for path in [interpreter, *standard, *libraries, *also]:
        copy(path, target)
    name_packages(target)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files and folders of a folder; none if it is a file or is not there."""
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] not in LEFT_OUT:
            yield path


def libraries_of(binaries: Iterable[Path]) -> set[Path]:
    """Return the shared libraries that are loaded with these files, and the loader."""
    command = ["ldd", *map(str, binaries)]
    # Not checked: for a file without libraries `ldd` fails.
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout  # noqa: S603
    names = re.findall(r"(?:=> |^\t)(/\S+) \(0x", printed, re.MULTILINE)
    found = {Path(os.path.normpath(name)) for name in names}
    folders = {path.parent for path in found if path.name.startswith("libc.")}
    return found | {folder / name for folder in folders for name in BESIDE_LIBC}


def copy(path: Path, target: Path) -> None:
    """Copy a file, the folders above it, and what the links on the way lead to."""
    for each in [*reversed(path.parents), path]:
        place = target / each.relative_to("/")
        if os.path.lexists(place):
            continue
        if each.is_symlink():
            place.symlink_to(os.readlink(each))
            copy(Path(os.path.normpath(each.parent.resolve() / os.readlink(each))), target)
        elif each.is_dir():
            place.mkdir()
        elif each.exists():
            shutil.copy2(each, place)


def name_packages(target: Path) -> None:
    """Tell image scanners from which Debian packages there are files, as distroless images do."""
    status = DPKG / "status"
    for text in status.read_text().strip().split("\n\n") if status.exists() else ():
        [name] = re.findall(r"^Package: (.+)$", text, re.MULTILINE)
        lists = [*DPKG.glob(f"info/{name}.list"), *DPKG.glob(f"info/{name}:*.list")]
        files = [line for each in lists for line in each.read_text().splitlines()]
        if any((target / line.lstrip("/")).is_file() for line in files):
            place = target / "var/lib/dpkg/status.d" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{text}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
