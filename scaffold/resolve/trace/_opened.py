"""The user's files in the trace: data that the model opened, and modules that it imported."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from scaffold.base.layout import (
    CHANGELOG,
    DOCKERFILE,
    LOCK,
    MODEL_FOLDER,
    OPENAPI,
    PYPROJECT,
    README,
    REQUIREMENTS,
)
from scaffold.base.modules import Home, home_of
from scaffold.resolve._distributions import Installation
from scaffold.spec import LocalSource

_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".pth")
_FILES_OF_THE_SERVICE = (CHANGELOG, DOCKERFILE, LOCK, OPENAPI, PYPROJECT, README, REQUIREMENTS)


def collect_imported_files(origins: Mapping[str, tuple[str, str]]) -> list[LocalSource]:
    """Return the user's own modules that were imported; most of them are also found in the code.

    Args:
        origins: File and phase by module name, for modules that no distribution provides.
    """
    sources = []
    for name, (origin, phase) in origins.items():
        file = Path(origin)
        if name.partition(".")[0] == "scaffold" or home_of(file) is not Home.LOCAL:
            continue
        inside = name.split(".") if file.stem == "__init__" else name.split(".")[:-1]
        reason = f"imported at {'load' if phase == 'load' else 'predict'}"
        sources.append(
            LocalSource(path="/".join([*inside, file.name]), content=file.read_bytes(), reason=reason)
        )
    return sources


def find_named_files(unaudited: Mapping[str, str], model: Path, texts: Iterable[str]) -> dict[str, str]:
    """Return the files that compiled code opened and whose name is in the model file or in the code."""
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        code = "\n".join(texts).encode()
        return {
            path: phase
            for path, phase in unaudited.items()
            if content.find(name := os.fsencode(Path(path).name)) >= 0 or name in code
        }


def collect_opened_files(
    phases: Mapping[str, str],
    roots: Sequence[Path],
    model: Path,
    installation: Installation,
    beside_model: Set[str] = frozenset(),
) -> tuple[list[LocalSource], list[str]]:
    """Return the data files to copy, and a note for each file that is not copied.

    Hidden files are not copied, and neither are those that have the name of a file of the service.

    Args:
        phases: Phase by path, for each file that was opened.
        roots: Folders of local code; the path of a file is relative to the deepest of them.
        model: The model file, which is copied elsewhere; files named after it are copied to its folder.
        installation: The installed distributions; their files are not copied.
        beside_model: Files that the model file names relative to its own folder.
    """
    installed = [Path(prefix).resolve() for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix}]
    model = model.resolve()
    folders = sorted({root.resolve() for root in roots}, key=lambda root: -len(root.parts))
    folders = [folder for folder in folders if folder != Path(folder.anchor)]
    sources: dict[str, LocalSource] = {}
    notes = []
    for name, phase in sorted(phases.items()):
        if name.endswith(_CODE):  # most of thousands of paths: skip them before the system calls below
            continue
        path = Path(name).resolve()
        root = next((root for root in folders if path.is_relative_to(root)), None)
        if root is None or path == model or not path.is_file():
            continue
        place = path.relative_to(root)
        if path.parent == model.parent and path.name.startswith(model.name):
            place = Path(MODEL_FOLDER) / path.name
        elif name in beside_model and path.is_relative_to(model.parent):
            place = Path(MODEL_FOLDER) / path.relative_to(model.parent)
        if any(path.is_relative_to(prefix) for prefix in installed) or _is_installed(place, installation):
            continue
        if any(part.startswith(".") for part in place.parts):
            notes.append(f"{place} is opened and not taken along, for it is hidden: --include {place}")
            continue
        if place.as_posix() in _FILES_OF_THE_SERVICE:
            notes.append(f"{place} is opened and not taken along: the service has its own {place}")
            continue
        reason = f"opened at {'load' if phase == 'load' else 'predict'}"
        sources[place.as_posix()] = LocalSource(
            path=place.as_posix(), content=path.read_bytes(), reason=reason
        )
    return list(sources.values()), notes


def _is_installed(place: Path, installation: Installation) -> bool:
    """Whether the file belongs to an installed distribution, in any folder."""
    folder = place.parts[0]
    return (
        "site-packages" in place.parts
        or folder.endswith((".dist-info", ".egg-info"))
        or bool(installation.owners_of(".".join(place.parts[:-1])))
    )
