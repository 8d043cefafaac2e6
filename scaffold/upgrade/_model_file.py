"""Whether the model changed, and its path: the file that the merged code loads."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from scaffold.base.checked import is_safe_path
from scaffold.base.git_lfs import pointed_sha256
from scaffold.base.layout import MODEL_FILE, MODEL_FOLDER, SCORE
from scaffold.spec import ProjectRecord, ProjectSpec
from scaffold.upgrade._conflicts import Prefer
from scaffold.upgrade._content import Content, Opaque, content_sha256
from scaffold.upgrade._moves import find_moved_files, find_moved_folder
from scaffold.upgrade._outcome import FileMerge, FileOutcome, MergedTree

_CONSTANT = "MODEL"
"""The name in `score.py` for the path of the model."""
NO_PLACE = (
    "the new model has no place: its file is gone, and no `MODEL = Path(__file__)...` says what is loaded;"
    " --theirs writes it here"
)
NOT_TAKEN = "the new model is not taken"


def model_path(tree: Mapping[str, Content]) -> str:
    """The path of the model in a pristine project; empty where it has none, or several."""
    paths = [path for path in tree if PurePosixPath(path).match(f"{MODEL_FOLDER}/{MODEL_FILE}")]
    return paths[0] if len(paths) == 1 else ""


def loaded_path(
    files: Mapping[str, Content], ancestor: Mapping[str, Content], models: Collection[Content | None] = ()
) -> str:
    """Return the path that `MODEL = Path(__file__).parents[1] / ...` names; empty if no module names it.

    Args:
        files: All known files of the project.
        ancestor: The pristine project of the last update, by which a moved `score.py` is found.
        models: Known models. A constant of another module than `score.py`, or than the module from which
            `score.py` imports it, counts only if it names one of these: it may name any file.
    """
    score = _find_score(files, ancestor)
    place = _named_place(score, files)
    if place:
        return place
    for path in sorted(files):
        place = _named_place(path, files) if path.endswith(".py") and path != score else ""
        if place and files.get(place) is not None and files[place] in models:
            return place
    return ""


def _find_score(files: Mapping[str, Content], ancestor: Mapping[str, Content]) -> str:
    """Return the path of `score.py`, which the owner may have moved; empty if there is none."""
    if SCORE in files:
        return SCORE
    ours = {path: content for path, content in files.items() if path in ancestor}
    added = {path: content for path, content in files.items() if path not in ancestor}
    if folder := find_moved_folder(ancestor, ours, added):
        return f"{folder}/{SCORE}"
    return find_moved_files(ancestor, ours, added).get(SCORE, "")


def _named_place(path: str, files: Mapping[str, Content]) -> str:
    """Return the path that `MODEL` in a module names, or in the module from which it is imported."""
    followed: set[str] = set()
    while path and path not in followed:
        followed.add(path)
        value, source = _constant(files.get(path), path)
        if value is not None:
            place = _place(value, path)
            return place if place is not None and is_safe_path(place) else ""
        path = next((each for each in source if each in files), "")
    return ""


def _constant(content: Content | None, path: str) -> tuple[ast.expr | None, list[str]]:
    """Return the value of `MODEL` in a module, or the possible paths of the module that it comes from."""
    if not isinstance(content, bytes) or _CONSTANT.encode() not in content:
        return None, []
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError):
        return None, []
    source: list[str] = []
    for node in body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name == _CONSTANT:
                return value, []
            case ast.ImportFrom(names=names) if any(
                each.name == _CONSTANT and each.asname in (None, _CONSTANT) for each in names
            ):
                source = _module_files(node, path)
            case _:
                pass
    return None, source


def _module_files(node: ast.ImportFrom, path: str) -> list[str]:
    """Return the paths that the module of a `from ... import ...` may have."""
    folders = [parent.as_posix() for parent in PurePosixPath(path).parents]
    if node.level:
        folders = folders[node.level - 1 : node.level]
    name = (node.module or "").replace(".", "/")
    places = [posixpath.normpath(posixpath.join(folder, name)) for folder in folders]
    return [each for place in places for each in (f"{place}.py", f"{place}/__init__.py")]


def changes_of_model(record: ProjectRecord, new: ProjectSpec) -> str:
    """Return what changed of the model: its file, or a file that it needs; empty if nothing changed."""
    old = record.spec
    changed = [] if new.artifact.sha256 == old.artifact.sha256 else [f"sha256 {new.artifact.sha256[:12]}"]
    if new.dependencies.sources == old.dependencies.sources:
        return ", ".join(changed)
    before = {source.path: record.files.get(source.path, "") for source in old.dependencies.sources}
    after = {source.path: content_sha256(source.content) for source in new.dependencies.sources}
    changed += [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return ", ".join(changed)


def model_kept(
    ancestor: Mapping[str, Content], theirs: Mapping[str, Content], owner: Mapping[str, Content]
) -> Content | None:
    """Return the owner's model if both the owner and the new state replaced that of the last state."""
    base, new = (tree.get(model_path(tree)) for tree in (ancestor, theirs))
    model = owner.get(loaded_path(owner, ancestor, (base, new))) or owner.get(model_path(ancestor))
    if isinstance(model, bytes) and (sha256 := pointed_sha256(model)):
        model = Opaque(sha256)
    return model if model not in (None, base, new) and new not in (None, base) else None


def without_pointers(
    tree: Mapping[str, Content], ancestor: Mapping[str, Content], theirs: Mapping[str, Content]
) -> Mapping[str, Content]:
    """Return the owner's files with the last model for a pointer of Git LFS to it, or to the new model.

    The pointer then counts as a model that the owner did not change. It stays if the model is the same.
    """
    base, new = (files.get(model_path(files)) for files in (ancestor, theirs))
    if base is None or new is None or base == new:
        return tree
    hashes = {content_sha256(base), content_sha256(new)}
    return {
        path: base if isinstance(content, bytes) and pointed_sha256(content) in hashes else content
        for path, content in tree.items()
    }


def with_hash_of(kept_model: Content, theirs: Mapping[str, Content]) -> dict[str, Content]:
    """Return the new state with the hash of the model that the project keeps."""
    before, after = (content_sha256(content).encode() for content in (theirs[model_path(theirs)], kept_model))
    return {
        path: content.replace(before, after) if isinstance(content, bytes) else content
        for path, content in theirs.items()
    }


def place_model(
    merged: MergedTree,
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    owner: Mapping[str, Content],
    prefer: Prefer,
) -> MergedTree:
    """The merged tree with the new model where its code loads it, or with a conflict.

    Args:
        merged: The merged tree.
        ancestor: The pristine project of the last update.
        theirs: The pristine project of the new state.
        owner: All files of the owner's that are known.
        prefer: Which side wins where both changed the same thing.
    """
    path = model_path(theirs)
    base, new = ancestor.get(model_path(ancestor)), theirs.get(path)
    if new is None or new == base:
        return merged
    files = {file_path: file.content for file_path, file in merged.files.items()}
    after = {file_path: content for file_path, content in {**owner, **files}.items() if content is not None}
    place = loaded_path(after, ancestor, (base, new))
    if not place and new in files.values():
        return merged
    place = place or (path if path in after else "")
    current = after.get(place)
    at = merged.files.get(place)
    if current == new or (at and (at.outcome is FileOutcome.CONFLICT or current not in (None, base))):
        return merged
    if place and current in (None, base):
        placed = FileMerge(FileOutcome.ADDED if current is None else FileOutcome.UPDATED, new)
    else:
        place = place or path
        placed = _merge_unplaced(current, new, prefer)
    deleted = {path: FileMerge(FileOutcome.KEPT_DELETED, None)} if path not in owner else {}
    return replace(merged, files={**merged.files, **deleted, place: placed})


def _merge_unplaced(current: Content | None, new: Content, prefer: Prefer) -> FileMerge:
    """Return the merge of a model if the owner has another one, or if no code names its path."""
    if prefer is Prefer.THEIRS:
        return FileMerge(FileOutcome.UPDATED if current else FileOutcome.ADDED, new)
    if prefer is Prefer.OURS:
        return FileMerge(FileOutcome.KEPT if current else FileOutcome.KEPT_DELETED, current, NOT_TAKEN)
    if current:
        return FileMerge(
            FileOutcome.CONFLICT, current, "both sides changed it; yours is kept", (None, current, new)
        )
    return FileMerge(FileOutcome.CONFLICT, None, NO_PLACE, (None, None, new))


def _place(node: ast.expr, path: str) -> str | None:
    """Evaluate an expression of `__file__` in a module with this path; None if it is no path."""
    match node:
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(name))):
            folder = _place(left, path)
            return None if folder is None else posixpath.normpath(posixpath.join(folder, name))
        case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path"), args=[ast.Name(id="__file__")]):
            return path
        case ast.Call(func=ast.Attribute(value=inner, attr="resolve" | "absolute")):
            return _place(inner, path)
        case ast.Attribute(value=inner, attr="parent"):
            return _above(_place(inner, path), 1)
        case ast.Subscript(
            value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(number))
        ):
            return _above(_place(inner, path), number + 1)
        case _:
            return None


def _above(path: str | None, levels: int) -> str | None:
    """Return the folder `levels` above; None if that is outside of the project."""
    if path is None or levels > len(PurePosixPath(path).parts):
        return None
    return "/".join(PurePosixPath(path).parts[:-levels])
