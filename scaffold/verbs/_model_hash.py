"""The hashes of the model file and of the compiled model, and those that code and record expect."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.git_lfs import LARGEST_POINTER_BYTES, pointed_sha256
from scaffold.base.layout import FAST_CHECK, FAST_CODE, FAST_CONSTANTS, FAST_DATA, FAST_GRAPH
from scaffold.base.package import find_package
from scaffold.errors import CompiledFileError, ReplacedModelError, ScaffoldError
from scaffold.spec import ProjectRecord
from scaffold.verbs.project import Project

_HASH_NAME = "MODEL_SHA256"
_HASHES = {"SHA256": FAST_CONSTANTS, "GRAPH_SHA256": FAST_GRAPH}
"""The names in `app/fast.py` of the hashes of files."""


def require_compiled_from_file(project: Project) -> None:
    """Check that the files of the compiled model, if there is one, belong together and to the model file.

    A model file that is absent, as in a checkout without it, is not checked.

    Raises:
        CompiledFileError: A file of the compiled model is absent, or another one.
        ReplacedModelError: The model file was replaced.
    """
    files = project.model_files
    if not require_compiled_files(project) or len(files) != 1:
        return
    with contextlib.suppress(SyntaxError):  # the service reports it
        for place, expected in expected_hashes(project)[:1]:
            found = _hash_of(files[0])
            if found != expected:
                raise ReplacedModelError(str(project.root), str(files[0]), place, (found, expected))


def require_compiled_files(project: Project) -> bool:
    """Check that the files of the compiled model belong together; return whether there is one.

    Raises:
        CompiledFileError: One is absent, or another one.
    """
    code = project.root / find_package(project.root) / Path(FAST_CODE).name
    if not code.is_file():
        if (project.root / FAST_CHECK / "__main__.py").is_file():
            raise CompiledFileError(str(project.root), str(code), "", "")
        return False
    with contextlib.suppress(SyntaxError):  # the service reports it
        hashes = dict(_constants_of(code))
        for name, data in _HASHES.items():
            if name in hashes:
                file = project.root / data
                found = _hash_of(file) if file.is_file() else ""
                if found != hashes[name]:
                    raise CompiledFileError(str(project.root), str(file), found, hashes[name])
    return True


def has_compiled_files(root: Path, record: ProjectRecord) -> bool:
    """Whether the files of the compiled model that an update writes are there as recorded."""
    recorded = {path: sha256 for path, sha256 in record.files.items() if path in FAST_DATA}
    return all(
        (root / path).is_file() and _hash_of(root / path) == sha256 for path, sha256 in recorded.items()
    )


def _hash_of(path: Path) -> str:
    """Return the hash of a file, or of the one for which it is a pointer of Git LFS."""
    return pointed_hash(path) or sha256_file(path)


def _constants_of(module: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each text that a module assigns to one name.

    Raises:
        SyntaxError: It cannot be parsed.
    """
    for node in ast.parse(module.read_text("utf-8"), str(module)).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value


def expected_hashes(project: Project) -> list[tuple[str, str]]:
    """Return (place, hash) for each hash of the model in the code and in the record.

    Raises:
        SyntaxError: A module of the service cannot be parsed.
    """
    hashes = []
    package = find_package(project.root)
    for path in sorted((project.root / package).glob("*.py")) if package else ():
        place = path.relative_to(project.root).as_posix()
        hashes += [(place, value) for name, value in _constants_of(path) if name == _HASH_NAME]
    with contextlib.suppress(ScaffoldError):
        hashes.append(("the record", project.record.spec.artifact.sha256))
    return hashes


def pointed_hash(path: Path) -> str:
    """Return the hash of the file for which a pointer of Git LFS stands; empty for any other file."""
    with path.open("rb") as file:
        return pointed_sha256(file.read(LARGEST_POINTER_BYTES))
