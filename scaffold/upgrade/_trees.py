"""Merge the pristine project of last time, the pristine one of now and the owner's."""

from __future__ import annotations

import ast
import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scaffold.base.layout import APP, CONVERT, MODEL_FOLDER, SCHEMAS
from scaffold.upgrade._chunks import Chunk, cut_body, cut_module
from scaffold.upgrade._conflicts import Conflicts, Prefer, marked_lines
from scaffold.upgrade._content import Content, is_text
from scaffold.upgrade._lines import merge_lines
from scaffold.upgrade._locks import is_lock, merge_lock
from scaffold.upgrade._migration import find_gone, migrate
from scaffold.upgrade._moves import find_moved_files, find_moved_folder, follow_moved_classes
from scaffold.upgrade._python import merge_python
from scaffold.upgrade._renames import Renames, find_renames, follow_renames


class FileOutcome(enum.Enum):
    """What became of one file."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    """Only the new state changed it."""
    MERGED = "merged"
    """Both changed it, in different places."""
    CONFLICT = "conflict"
    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    """Only the owner changed it."""
    KEPT_DELETED = "kept deleted"
    MOVED = "moved"
    """It is under another name now."""


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file after the merge; no content where it is gone."""

    outcome: FileOutcome
    content: Content | None
    detail: str = ""
    """For a conflict: where, and between what. For a file that moved: where to."""
    sides: tuple[Content | None, Content | None, Content | None] = (None, None, None)
    """For a conflict: base, ours and theirs."""


@dataclass(frozen=True, slots=True)
class MergedTree:
    """Every file that either pristine project has, merged with the owner's."""

    files: Mapping[str, FileMerge]
    notes: tuple[str, ...] = ()
    """What the owner has to know besides."""

    @property
    def conflicts(self) -> dict[str, str]:
        """What is in conflict, by path."""
        return {
            path: file.detail for path, file in self.files.items() if file.outcome is FileOutcome.CONFLICT
        }

    def count(self, outcome: FileOutcome) -> int:
        """How many files ended so."""
        return sum(file.outcome is outcome for file in self.files.values())


def merge_trees(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    *,
    prefer: Prefer = Prefer.NEITHER,
    incoming: str = "new",
    others: Mapping[str, Content] | None = None,
) -> MergedTree:
    """Merge three trees file by file.

    Args:
        ancestor: The pristine project of last time.
        theirs: The pristine project of the new state.
        ours: What the owner's project holds of the paths of both.
        prefer: Which side wins where both changed the same lines.
        incoming: What the markers of a conflict call the new state.
        others: Files that the owner added: read for the fields that they use, and changed only where they are
            pristine files under another name.
    """
    others = others or {}
    folder = find_moved_folder(ancestor, ours, others)
    if not folder:
        return _merge_layouts(ancestor, theirs, ours, others, prefer, incoming)
    parts = tuple(f"{part}/" for part in (APP, MODEL_FOLDER))
    below = {path: path.removeprefix(f"{folder}/") for path in others}
    below = {path: place for path, place in below.items() if place != path and place.startswith(parts)}
    generated = {*ancestor, *theirs}
    held = {place: others[path] for path, place in below.items() if place in generated}
    added = {below.get(path, path): content for path, content in others.items() if below.get(path) not in held}
    merged = _merge_layouts(ancestor, theirs, {**ours, **held}, added, prefer, incoming)

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
    others: Mapping[str, Content],
    prefer: Prefer,
    incoming: str,
) -> MergedTree:
    """Merge three trees; an owner's tree of the old layout is brought to the present one before."""
    migrated = migrate(ancestor, theirs, ours, others)
    if not migrated:
        return MergedTree(_merge_files(ancestor, theirs, ours, others, prefer, incoming))
    merges = _merge_files(
        migrated.ancestor, theirs, migrated.ours, migrated.others, prefer, incoming
    )
    for path, content in migrated.others.items():
        if content != others[path]:
            merges.setdefault(path, FileMerge(FileOutcome.MERGED, content))
    files: dict[str, Content | None] = {path: file.content for path, file in merges.items()}
    problems = dict(migrated.problems)
    for path, told in find_gone({**migrated.others, **files}, theirs).items():
        problems[path] = [*problems.get(path, ()), *told]
    notes = list(migrated.notes)
    for path, told in problems.items():
        file = merges.get(path) or FileMerge(FileOutcome.KEPT, migrated.others.get(path))
        if prefer is Prefer.NEITHER:
            detail = "; ".join([file.detail, *told] if file.detail else told)
            sides = migrated.ancestor.get(path), migrated.ours.get(path, file.content), theirs.get(path)
            merges[path] = FileMerge(FileOutcome.CONFLICT, file.content, detail, sides)
        else:
            notes += [f"{path}: {what}" for what in told]
    for old, new in migrated.moves.items():
        merges[old] = FileMerge(FileOutcome.MOVED, None, new)
    return MergedTree(merges, tuple(notes))


def _merge_files(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    others: Mapping[str, Content],
    prefer: Prefer,
    incoming: str,
) -> dict[str, FileMerge]:
    moved = find_moved_files(ancestor, ours, others)
    ours = {**ours, **{old: others[new] for old, new in moved.items()}}
    others = {path: content for path, content in others.items() if path not in moved.values()}
    renames = _renames(ancestor, ours, moved)
    keep = _fields_in_use(ancestor, theirs, {**others, **ours}, renames)
    merges = {}
    sides = ancestor.get(SCHEMAS), ours.get(SCHEMAS), theirs.get(SCHEMAS)
    texts = [side.decode() for side in sides if isinstance(side, bytes)]
    if len(texts) == len(sides):
        before, after, elsewhere = follow_moved_classes(texts[0], texts[1], texts[2], others)
        if elsewhere:
            ancestor = {**ancestor, SCHEMAS: before.encode()}
            theirs = {**theirs, SCHEMAS: after.encode()}
        for each in elsewhere:
            conflicts = Conflicts(prefer, incoming)
            old, new = each.base.encode(), each.theirs.encode()
            merges[each.path] = _merge_file(each.path, old, others[each.path], new, conflicts, frozenset())
    for path in sorted({*ancestor, *theirs}):
        mine = ours.get(path)
        base, new = (_renamed(path, tree.get(path), renames, mine) for tree in (ancestor, theirs))
        mine = _renamed(path, mine, renames, mine) if path == CONVERT else mine
        conflicts = Conflicts(prefer, incoming)
        file = _merge_file(path, base, mine, new, conflicts, keep if path == SCHEMAS else frozenset())
        if path in moved:
            merges[path] = FileMerge(FileOutcome.KEPT_DELETED, None)
        merges[moved.get(path, path)] = file
    return merges


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
    if theirs == base:
        return FileMerge(FileOutcome.KEPT if ours is not None else FileOutcome.KEPT_DELETED, ours)
    if ours is None and base is not None:
        return FileMerge(FileOutcome.KEPT_DELETED, None)
    if ours == base and not (keep and theirs is not None):
        outcome = FileOutcome.ADDED if ours is None else FileOutcome.UPDATED
        return FileMerge(FileOutcome.REMOVED if theirs is None else outcome, theirs)
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


def _choose_whole(ours: Content | None, theirs: Content | None, prefer: Prefer) -> FileMerge:
    """A file that cannot carry markers: the owner's stays, unless `theirs` was asked for."""
    if prefer is Prefer.THEIRS:
        return FileMerge(FileOutcome.REMOVED if theirs is None else FileOutcome.UPDATED, theirs)
    if prefer is Prefer.OURS:
        return FileMerge(FileOutcome.KEPT, ours)
    detail = "you changed it, the new state has it no longer" if theirs is None else "both sides changed it"
    return FileMerge(FileOutcome.CONFLICT, ours, f"{detail}; yours is kept")


def _merge_text(
    path: str, base: str, ours: str, theirs: str, conflicts: Conflicts, keep: frozenset[str]
) -> str:
    if path.endswith(".py"):
        return merge_python(base, ours, theirs, conflicts, keep)
    if is_lock(path, theirs):
        return merge_lock(base, ours, theirs, conflicts)
    return merge_lines(base, ours, theirs, conflicts)


def _renames(
    ancestor: Mapping[str, Content], ours: Mapping[str, Content], moved: Mapping[str, str]
) -> Renames:
    modules = {_module(old): _module(new) for old, new in moved.items() if old.endswith(".py") and "/" in old}
    base, mine = ancestor.get(SCHEMAS), ours.get(SCHEMAS)
    if isinstance(base, bytes) and isinstance(mine, bytes) and base != mine:
        return replace(find_renames(base.decode(), mine.decode()), modules=modules)
    return Renames(modules=modules)


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _renamed(path: str, content: Content | None, renames: Renames, ours: Content | None) -> Content | None:
    """Generated code with the owner's names, where their own file has these."""
    if not path.startswith(f"{APP}/") or not path.endswith(".py") or not isinstance(content, bytes):
        return content
    text = ours.decode() if isinstance(ours, bytes) else None
    return follow_renames(content.decode(), renames, text).encode()


def _fields_in_use(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    renames: Renames,
) -> frozenset[str]:
    """Fields that the new state drops while code that the owner wrote names them."""
    mine = ours.get(SCHEMAS)
    base, new = (_renamed(SCHEMAS, tree.get(SCHEMAS), renames, mine) for tree in (ancestor, theirs))
    if not isinstance(base, bytes) or not isinstance(new, bytes):
        return frozenset()
    gone = _attributes(base.decode()) - _attributes(new.decode())
    if not gone:
        return frozenset()
    used: set[str] = set()
    for path, content in ours.items():
        if path.endswith(".py") and isinstance(content, bytes):
            pristine = _renamed(path, ancestor.get(path), renames, content)
            before = pristine.decode() if isinstance(pristine, bytes) else ""
            used |= _newly_mentioned(before, content.decode(), gone)
    return frozenset(used)


def _attributes(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {
        item.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _newly_mentioned(base: str, ours: str, names: set[str]) -> set[str]:
    """Which of `names` the owner's pieces mention more often than the pristine pieces of the same key do."""
    try:
        before, mine = dict(_pieces(base)), dict(_pieces(ours))
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for key, code in mine.items():
        if code != before.get(key):
            counts, known = _mentions(code), _mentions(before.get(key, ""))
            found |= {
                name for name in names if counts[name] > known[name] and not key.endswith(f"name {name}")
            }
    return found


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    for chunk in cut_module(source):
        if isinstance(chunk.node, ast.ClassDef):
            yield from ((f"{chunk.key} {piece.key}", piece.code) for piece in _body(chunk))
        else:
            yield chunk.key, chunk.code


def _body(chunk: Chunk) -> list[Chunk]:
    try:
        return cut_body(chunk)[1]
    except ValueError:
        return [chunk]


def _mentions(code: str) -> Counter[str]:
    """How often each attribute, keyword and string stands in a piece of code."""
    counts: Counter[str] = Counter()
    for node in ast.walk(ast.parse(f"if True:\n{code}" if code[:1].isspace() else code)):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=str() as name):
                counts[name] += 1
            case ast.Constant(value=str() as name):
                counts[name] += 1
            case _:
                pass
    return counts
