"""The files of a project that its owner added, and those with the markers of an earlier conflict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from scaffold.base.layout import KUSTOMIZATIONS
from scaffold.base.markers import marked_lines
from scaffold.errors import MergeConflictError
from scaffold.upgrade._content import Content, read_tree, walk_files
from scaffold.upgrade._model_file import loaded_path, model_path


def refuse_markers(root: Path, ancestor: Mapping[str, Content], owner: Mapping[str, Content]) -> None:
    marked = []
    for path, content in owner.items():
        lines = marked_lines(content.decode()) if isinstance(content, bytes) else []
        if lines and content != ancestor.get(path):
            marked.append((path, f"line {lines[0]}"))
    if marked:
        raise MergeConflictError(str(root), tuple(marked))


def added_files(
    root: Path, recorded: Mapping[str, Content], ancestor: Mapping[str, Content], model_bytes: int
) -> dict[str, Content]:
    """Return the files that the owner added: Python modules, and files that may be renamed pristine ones."""
    model = model_path(ancestor)
    kinds = {".py", *(PurePosixPath(path).suffix for path in ancestor if path not in recorded)}
    sizes = set() if model in recorded else {model_bytes}

    def is_wanted(path: str) -> bool:
        name = PurePosixPath(path)
        is_kind = name.suffix in kinds or name.name in KUSTOMIZATIONS
        return is_kind or (bool(sizes) and (root / path).lstat().st_size in sizes)

    paths = [path for path in walk_files(root) if path not in recorded and is_wanted(path)]
    added = read_tree(root, paths)
    place = loaded_path({**recorded, **added}, ancestor, (ancestor.get(model),))
    return added if not place or place in recorded else {**added, **read_tree(root, [place])}
