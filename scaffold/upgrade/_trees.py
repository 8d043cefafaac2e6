"""Merge three trees: the pristine project of the last update, the new pristine project, and the owner's."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from scaffold.base.layout import APP, CONVERT, FAST_DATA, MODEL_FOLDER, SCHEMAS
from scaffold.base.markers import marked_lines
from scaffold.upgrade._conflicts import Conflicts, Prefer
from scaffold.upgrade._content import Content, Link, is_text
from scaffold.upgrade._in_use import fields_in_use, find_owner_renames, with_renames
from scaffold.upgrade._lines import merge_lines
from scaffold.upgrade._locks import is_lock, merge_lock
from scaffold.upgrade._migration import Migrated, find_gone, migrate
from scaffold.upgrade._model_file import model_kept, place_model, with_hash_of, without_pointers
from scaffold.upgrade._moves import find_moved_files, find_moved_folder, follow_moved_classes
from scaffold.upgrade._outcome import FileMerge, FileOutcome, MergedTree
from scaffold.upgrade._overlays import move_to_base
from scaffold.upgrade._python import merge_python, same_but_for_layout
from scaffold.upgrade._quantities import with_spelling_of


def merge_trees(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    *,
    prefer: Prefer = Prefer.NEITHER,
    incoming: str = "new",
    added_files: Mapping[str, Content] | None = None,
) -> MergedTree:
    """Merge three trees file by file.

    Args:
        ancestor: The pristine project of the last update.
        theirs: The pristine project of the new state.
        ours: The owner's files at the paths of both.
        prefer: Which side wins where both changed the same lines.
        incoming: The name of the new state in conflict markers.
        added_files: Files that the owner added. Their code is searched for the fields that it uses; a file
            that the owner renamed is merged.
    """
    added_files = without_pointers(added_files or {}, ancestor, theirs)
    ours = without_pointers(ours, ancestor, theirs)
    owner = {**added_files, **ours}
    if prefer is not Prefer.THEIRS and (kept_model := model_kept(ancestor, theirs, owner)):
        theirs = with_hash_of(kept_model, theirs)
    merged = _merge_folders(ancestor, theirs, ours, added_files, prefer, incoming)
    return place_model(merged, ancestor, theirs, owner, prefer)


def _merge_folders(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added_files: Mapping[str, Content],
    prefer: Prefer,
    incoming: str,
) -> MergedTree:
    """Merge three trees; files that the owner moved below another folder are merged and stay there."""
    folder = find_moved_folder(ancestor, ours, added_files)
    if not folder:
        return _merge_layouts(ancestor, theirs, ours, added_files, prefer, incoming)
    parts = tuple(f"{part}/" for part in (APP, MODEL_FOLDER))
    below = {path: path.removeprefix(f"{folder}/") for path in added_files}
    below = {path: place for path, place in below.items() if place != path and place.startswith(parts)}
    generated = {*ancestor, *theirs}
    moved_files = {place: added_files[path] for path, place in below.items() if place in generated}
    added = {
        below.get(path, path): content
        for path, content in added_files.items()
        if below.get(path) not in moved_files
    }
    merged = _merge_layouts(ancestor, theirs, {**ours, **moved_files}, added, prefer, incoming)

    def placed(path: str) -> str:
        return f"{folder}/{path}" if path.startswith(parts) and path not in ours else path

    files = {
        placed(path): replace(file, detail=placed(file.detail)) if file.outcome is FileOutcome.MOVED else file
        for path, file in merged.files.items()
    }
    return replace(merged, files=files)


def _merge_layouts(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added_files: Mapping[str, Content],
    prefer: Prefer,
    incoming: str,
) -> MergedTree:
    """Merge three trees after bringing an owner's tree of an old layout to the present one."""
    overlaid = move_to_base(ancestor, theirs, ours, added_files)
    migration = migrate(overlaid.ancestor, theirs, overlaid.ours, added_files)
    migrated = migration or Migrated(ancestor=overlaid.ancestor, ours=overlaid.ours, added=added_files)
    merges = _merge_files(migrated.ancestor, theirs, migrated.ours, migrated.added, prefer, incoming)
    for path, content in {**migrated.added, **overlaid.patches}.items():
        if content != added_files.get(path):
            merges.setdefault(path, FileMerge(FileOutcome.MERGED, content))
    files: dict[str, Content | None] = {path: file.content for path, file in merges.items()}
    problems = {**overlaid.problems, **migrated.problems}
    loses_modules = any(path.endswith(".py") and path not in theirs for path in ancestor)
    dangling = find_gone({**migrated.added, **files}, theirs) if migration or loses_modules else {}
    for path, problem_lines in dangling.items():
        problems[path] = [*problems.get(path, ()), *problem_lines]
    notes = list(migrated.notes)
    for path, problem_lines in problems.items():
        file = merges.get(path) or FileMerge(FileOutcome.KEPT, migrated.added.get(path))
        if prefer is Prefer.NEITHER:
            detail = "; ".join([file.detail, *problem_lines] if file.detail else problem_lines)
            sides = migrated.ancestor.get(path), migrated.ours.get(path, file.content), theirs.get(path)
            merges[path] = FileMerge(FileOutcome.CONFLICT, file.content, detail, sides)
        else:
            notes += [f"{path}: {what}" for what in problem_lines]
    moves = {old: new for old, new in overlaid.moves.items() if old not in merges} | dict(migrated.moves)
    for old, new in moves.items():
        merges[old] = FileMerge(FileOutcome.MOVED, None, new)
    return MergedTree(merges, tuple(notes))


def _merge_files(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added: Mapping[str, Content],
    prefer: Prefer,
    incoming: str,
) -> dict[str, FileMerge]:
    moved = find_moved_files(ancestor, ours, added)
    ours = {**ours, **{old: added[new] for old, new in moved.items()}}
    added = {path: content for path, content in added.items() if path not in moved.values()}
    renames = find_owner_renames(ancestor, ours, moved)
    keep = fields_in_use(ancestor, theirs, {**added, **ours}, renames)
    merges = {}
    sides = ancestor.get(SCHEMAS), ours.get(SCHEMAS), theirs.get(SCHEMAS)
    texts = [side.decode() for side in sides if isinstance(side, bytes)]
    if len(texts) == len(sides):
        before, after, elsewhere = follow_moved_classes(texts[0], texts[1], texts[2], added)
        if elsewhere:
            ancestor = {**ancestor, SCHEMAS: before.encode()}
            theirs = {**theirs, SCHEMAS: after.encode()}
        for each in elsewhere:
            conflicts = Conflicts(prefer, incoming)
            merges[each.path] = _merge_file(
                each.path,
                each.base.encode(),
                added[each.path],
                each.theirs.encode(),
                conflicts,
                frozenset(),
            )
    for path in sorted({*ancestor, *theirs}):
        mine = ours.get(path)
        base, new = (with_renames(path, tree.get(path), renames, mine) for tree in (ancestor, theirs))
        mine = with_renames(path, mine, renames, mine) if path == CONVERT else mine
        conflicts = Conflicts(prefer, incoming)
        if isinstance(mine, Link) and (target := _linked_file(path, mine, ours)) and new != base:
            merges[path] = FileMerge(FileOutcome.KEPT, mine, f"it is a link to {target}")
            continue
        file = _merge_file(path, base, mine, new, conflicts, keep if path == SCHEMAS else frozenset())
        if path in moved:
            merges[path] = FileMerge(FileOutcome.KEPT_DELETED, None)
        merges[moved.get(path, path)] = file
    for path, file in merges.items():
        if file.outcome is FileOutcome.KEPT_DELETED and file.detail and (place := _namesake(path, added)):
            merges[path] = replace(file, detail=f"{file.detail}; {place} is too different to get it")
    return merges


def _namesake(path: str, added_files: Mapping[str, Content]) -> str:
    """Return the owner's only file of the same name in another folder; empty if there is none or several."""
    name = posixpath.basename(path)
    places = [place for place in added_files if posixpath.basename(place) == name and name != "__init__.py"]
    return places[0] if len(places) == 1 else ""


def _linked_file(path: str, link: Link, ours: Mapping[str, Content]) -> str:
    """Return the generated file to which a link of the owner leads; empty if it leads elsewhere."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link.target))
    return target if target != path and target in ours else ""


def _merge_file(
    path: str,
    base: Content | None,
    ours: Content | None,
    theirs: Content | None,
    conflicts: Conflicts,
    keep: frozenset[str],
) -> FileMerge:
    if ours == theirs:
        return FileMerge(FileOutcome.UNCHANGED, theirs)
    if path in FAST_DATA and not isinstance(ours, Link):
        ours = base
        if theirs == base:
            return FileMerge(FileOutcome.UPDATED, theirs)
    if theirs == base:
        return FileMerge(FileOutcome.KEPT if ours is not None else FileOutcome.KEPT_DELETED, ours)
    if ours is None and base is not None:
        return FileMerge(FileOutcome.KEPT_DELETED, None, "you deleted it, the new state changed it")
    if ours == base and not (keep and theirs is not None):
        outcome = FileOutcome.ADDED if ours is None else FileOutcome.UPDATED
        return FileMerge(FileOutcome.REMOVED if theirs is None else outcome, theirs)
    if theirs is None and _differs_in_layout(path, base, ours):
        return FileMerge(FileOutcome.REMOVED, None)
    if not isinstance(ours, bytes) or not isinstance(theirs, bytes) or not isinstance(base, bytes | None):
        return _choose_whole(ours, theirs, conflicts.prefer)
    if not all(map(is_text, (base or b"", ours, theirs))):
        return _choose_whole(ours, theirs, conflicts.prefer)
    text = _merge_text(path, (base or b"").decode(), ours.decode(), theirs.decode(), conflicts, keep)
    if conflicts.count:
        lines = marked_lines(text)
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
        why = f"; your code uses what goes: {', '.join(sorted(keep))}" if keep else ""
        return FileMerge(FileOutcome.CONFLICT, text.encode(), f"{where}{why}", (base, ours, theirs))
    if ours == base:
        return FileMerge(FileOutcome.UPDATED, text.encode())
    return FileMerge(FileOutcome.MERGED, text.encode())


def _differs_in_layout(path: str, base: Content | None, ours: Content | None) -> bool:
    """Whether the owner's text differs from the generated one only in line ends, spaces or line breaks."""
    if not isinstance(base, bytes) or not isinstance(ours, bytes) or not (is_text(base) and is_text(ours)):
        return False
    before, after = (text.decode().replace("\r\n", "\n") for text in (base, ours))
    if path.endswith(".py"):
        return same_but_for_layout(before, after)
    lines, own = ([line.rstrip() for line in text.rstrip().splitlines()] for text in (before, after))
    return lines == own


def _choose_whole(ours: Content | None, theirs: Content | None, prefer: Prefer) -> FileMerge:
    """Return the merge of a file that cannot have markers: the owner's, unless `theirs` is preferred."""
    if prefer is Prefer.THEIRS:
        return FileMerge(FileOutcome.REMOVED if theirs is None else FileOutcome.UPDATED, theirs)
    if prefer is Prefer.OURS:
        return FileMerge(FileOutcome.KEPT, ours)
    detail = "you changed it, the new state lacks it" if theirs is None else "both sides changed it"
    if isinstance(ours, Link):
        detail = f"it is a link to {ours.target}, and the new state changed the file"
    return FileMerge(FileOutcome.CONFLICT, ours, f"{detail}; yours is kept")


def _merge_text(
    path: str, base: str, ours: str, theirs: str, conflicts: Conflicts, keep: frozenset[str]
) -> str:
    if path.endswith(".py"):
        return merge_python(base, ours, theirs, conflicts, keep)
    if is_lock(path, theirs):
        return merge_lock(base, ours, theirs, conflicts)
    if path.endswith(".yaml"):
        base = with_spelling_of(base, ours)
        theirs = with_spelling_of(with_spelling_of(theirs, base), ours)
    return merge_lines(base, ours, theirs, conflicts)
