"""Shared libraries that the model's process had mapped, as Debian packages."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from scaffold.base.base_image import LIBRARIES
from scaffold.base.process import Runner, run_command
from scaffold.errors import CommandError
from scaffold.resolve._elf import needed_libraries
from scaffold.spec import SystemPackage

# Debian's packages of the libraries that model libraries load, for machines without dpkg.
_PACKAGES = {
    "libgomp.so.1": "libgomp1",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libopenblas.so.0": "libopenblas0",
    "libblas.so.3": "libblas3",
    "liblapack.so.3": "liblapack3",
    "libgfortran.so.5": "libgfortran5",
    "libatomic.so.1": "libatomic1",
    "libnuma.so.1": "libnuma1",
    "libtbb.so.12": "libtbb12",
    "libsndfile.so.1": "libsndfile1",
    "libxml2.so.2": "libxml2",
    "libgeos_c.so.1": "libgeos-c1v5",
    "libOpenCL.so.1": "ocl-icd-libopencl1",
}


def find_system_packages(
    libraries: Iterable[str], run: Runner = run_command
) -> tuple[tuple[SystemPackage, ...], tuple[str, ...]]:
    """Return the Debian packages beyond the base image, and a note for each library of which none is known.

    Args:
        libraries: Absolute paths of the libraries that the process had mapped.
        run: Runs dpkg.
    """
    paths = [Path(path) for path in libraries]
    ours = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)}
    system = [path for path in paths if _is_of_system(path, ours) and not LIBRARIES.match(path.name)]
    carried = [path for path in paths if path not in system and "site-packages" in path.parts]
    packages: dict[str, SystemPackage] = {}
    notes = []
    for path in sorted(system):
        loaded = f"{_soname(path)}, which {_loader(path, carried)} loads"
        if package := _PACKAGES.get(_soname(path)) or _package(path, run):
            packages.setdefault(package, SystemPackage(name=package, reason=loaded))
        else:
            notes.append(f"{loaded}, is in no Debian package known here: add it to the Dockerfile")
    return tuple(packages[name] for name in sorted(packages)), tuple(notes)


def _is_of_system(path: Path, ours: set[Path]) -> bool:
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    if set(path.parents) & ours:
        # Python's own, or conda's: wheels contain the other libraries, but not this one.
        return _soname(path) == "libgomp.so.1"
    return path.parts[1:2] in (("usr",), ("lib",), ("lib64",))


def _soname(path: Path) -> str:
    """`libgomp.so.1` for `libgomp.so.1.0.0`."""
    match = re.match(r"(.+?\.so(?:\.\d+)?)", path.name)
    return match[1] if match else path.name


def _loader(path: Path, carried: Sequence[Path]) -> str:
    """Return the installed package whose library loads the library at `path`."""
    for library in sorted(carried):
        if _soname(path) in needed_libraries(library):
            parts = library.parts
            return parts[parts.index("site-packages") + 1].removesuffix(".libs")
    return "the model"


def _package(path: Path, run: Runner) -> str | None:
    """Return the Debian package that owns a path, without `t64`: the two newest releases accept that name."""
    for candidate in dict.fromkeys((str(path), str(path).removeprefix("/usr"), f"/usr{path}")):
        try:
            output = run(["dpkg", "-S", candidate]).stdout
        except CommandError:
            continue
        return output.partition(":")[0].strip().removesuffix("t64")
    return None
