"""The hash of the model file of a project, and the hashes that its code and its record expect."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.git_lfs import LARGEST_POINTER_BYTES, pointed_sha256
from scaffold.base.layout import FAST_CONSTANTS, MODEL_FOLDERS
from scaffold.base.package import find_package
from scaffold.errors import ReplacedModelError, ScaffoldError
from scaffold.verbs.project import Project

_HASH_NAME = "MODEL_SHA256"


def require_compiled_from_file(project: Project) -> None:
    """Check that the compiled model of a project, if there is one, was made from its model file.

    A model file that is absent, as in a checkout without it, is not checked.

    Raises:
        ReplacedModelError: The model file was replaced.
    """
    constants = Path(FAST_CONSTANTS).name
    files = project.model_files
    if len(files) != 1 or not any((project.root / folder / constants).is_file() for folder in MODEL_FOLDERS):
        return
    with contextlib.suppress(SyntaxError):  # the service reports it
        for place, expected in expected_hashes(project)[:1]:
            found = pointed_hash(files[0]) or sha256_file(files[0])
            if found != expected:
                raise ReplacedModelError(str(project.root), str(files[0]), place, (found, expected))


def expected_hashes(project: Project) -> list[tuple[str, str]]:
    """Return (place, hash) for each hash of the model in the code and in the record.

    Raises:
        SyntaxError: A module of the service cannot be parsed.
    """
    hashes = []
    package = find_package(project.root)
    for path in sorted((project.root / package).glob("*.py")) if package else ():
        place = path.relative_to(project.root).as_posix()
        for node in ast.parse(path.read_text("utf-8"), place).body:
            is_hash = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == _HASH_NAME
            if is_hash and isinstance(node.value, ast.Constant):  # type: ignore[attr-defined]
                hashes.append((place, str(node.value.value)))  # type: ignore[attr-defined]
    with contextlib.suppress(ScaffoldError):
        hashes.append(("the record", project.record.spec.artifact.sha256))
    return hashes


def pointed_hash(path: Path) -> str:
    """Return the hash of the file for which a pointer of Git LFS stands; empty for any other file."""
    with path.open("rb") as file:
        return pointed_sha256(file.read(LARGEST_POINTER_BYTES))
