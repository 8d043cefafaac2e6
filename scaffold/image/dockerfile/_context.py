"""Which files of the project go into its image, by `.dockerignore` and the COPY lines of the Dockerfile."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from pathlib import Path

from scaffold.base.files import sha256_file
from scaffold.base.layout import DOCKERFILE, DOCKERIGNORE, MODEL_FOLDERS
from scaffold.errors import DockerfileError, NoDockerfileError, NoModelForImageError
from scaffold.image._tar import Entry, file_entry
from scaffold.image.dockerfile._plan import Copy, ImagePlan


def read_dockerfile(root: Path) -> str:
    """Return the project's Dockerfile.

    Raises:
        ImageError: The project has no Dockerfile.
    """
    try:
        return (root / DOCKERFILE).read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoDockerfileError(str(root)) from error


def context_files(root: Path) -> list[str]:
    """Return the files that a build may see, relative to `root`: `.dockerignore` leaves out the others."""
    from docker.utils.build import exclude_paths

    ignore = root / DOCKERIGNORE
    lines = ignore.read_text("utf-8").splitlines() if ignore.exists() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    names = exclude_paths(str(root), patterns)
    return sorted(
        Path(name).as_posix() for name in names if not (root / name).is_dir() or (root / name).is_symlink()
    )


def require_model(root: Path, sha256: str, copies: ImagePlan | None) -> None:
    """Check that an image gets the model.

    Args:
        root: The project.
        sha256: The hash of the model file.
        copies: The plan whose COPY lines are all that the image gets of the project; without a plan, any
            file that the build can see may be the one.

    Raises:
        NoModelForImageError: No file with that hash gets into the image.
    """
    context = sorted(context_files(root), key=lambda name: not is_model(name))
    in_context = next((name for name in context if _has_hash(root / name, sha256)), "")
    if in_context and (copies is None or _copies_hash(root, copies, sha256)):
        return
    model_files = [
        path.relative_to(root).as_posix()
        for folder in MODEL_FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    ]
    names = (name for name in model_files if name not in context and _has_hash(root / name, sha256))
    raise NoModelForImageError(sha256, next(names, ""), tuple(model_files), in_context)


def _copies_hash(root: Path, plan: ImagePlan, sha256: str) -> bool:
    """Whether a COPY line copies a file with that hash."""
    try:
        parts = copied_entries(root, plan)
    except DockerfileError:
        return True  # the build reports the line, or supports more than this package reads
    entries = [entry for part in ("model", "code") for entry in parts[part]]
    return any(entry.source is not None and _has_hash(Path(entry.source), sha256) for entry in entries)


def _has_hash(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256


def context_entries(root: Path) -> Iterator[Entry]:
    """Yield the whole build context, with modes that any user of the image can read."""
    for name in context_files(root):
        yield file_entry(root / name, name)


def copied_entries(root: Path, plan: ImagePlan) -> dict[str, list[Entry]]:
    """Return the entries of the COPY lines by part: `code`, and `model` for the model's folder.

    Raises:
        DockerfileError: A COPY line names a missing file.
    """
    files = context_files(root)
    parts: dict[str, dict[str, Entry]] = {"code": {}, "model": {}}
    for copy in plan.copies:
        if copy.stage is not None:
            continue
        for name, target in _matches(files, copy):
            place = posixpath.normpath(posixpath.join("/", plan.workdir, target)).strip("/")
            below = posixpath.relpath(f"/{place}", posixpath.join("/", plan.workdir))
            part = "model" if is_model(below) else "code"
            parts[part][place] = file_entry(root / name, place)
    return {part: list(entries.values()) for part, entries in parts.items()}


def is_model(place: str) -> bool:
    """Whether a path, relative to the working directory of the image, is the model's folder or below it."""
    return any(f"{posixpath.normpath(place)}/".startswith(f"{folder}/") for folder in MODEL_FOLDERS)


def _matches(files: list[str], copy: Copy) -> Iterator[tuple[str, str]]:
    """Yield files with their targets. A folder's content goes below the target, a file to it or into it."""
    into = copy.target.endswith("/") or len(copy.sources) > 1 or any("*" in source for source in copy.sources)
    for source in copy.sources:
        pattern = posixpath.normpath(source).strip("/")
        matched = False
        for name in files:
            top = "/".join(name.split("/")[: pattern.count("/") + 1])
            if pattern == ".":
                matched = True
                yield name, posixpath.join(copy.target, name)
            elif fnmatch.fnmatchcase(top, pattern) and top.count("/") == pattern.count("/"):
                matched = True
                if top != name:
                    yield name, posixpath.join(copy.target, name.removeprefix(f"{top}/"))
                elif into:
                    yield name, posixpath.join(copy.target, posixpath.basename(name))
                else:
                    yield name, copy.target
        if not matched and "[" not in source:
            raise DockerfileError(copy.line, f"COPY {source}", "file")
