"""Merge three trees: the pristine project of the last update, the new pristine project, and the owner's."""

from __future__ import annotations

import ast
import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scaffold.base.layout import APP, CONVERT, SCHEMAS
from scaffold.upgrade._chunks import Chunk, cut_body, cut_module
from scaffold.upgrade._conflicts import Conflicts, Prefer, marked_lines
from scaffold.upgrade._content import Content, is_text
from scaffold.upgrade._lines import merge_lines
from scaffold.upgrade._locks import is_lock, merge_lock
from scaffold.upgrade._moves import find_moved_files
from scaffold.upgrade._python import merge_python
from scaffold.upgrade._renames import Renames, find_renames, follow_renames


class FileOutcome(enum.Enum):
    """The result of the merge for one file."""

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


@dataclass(frozen=True, slots=True)
class FileMerge:
    """One file after the merge; `content` is `None` if it is deleted."""

    outcome: FileOutcome
    content: Content | None
    detail: str = ""
    """For a conflict: its lines, or its cause."""


@dataclass(frozen=True, slots=True)
class MergedTree:
    """The merged files at the paths of both pristine projects."""

    files: Mapping[str, FileMerge]

    @property
    def conflicts(self) -> dict[str, str]:
        """The detail of each conflict, by path."""
        return {
            path: file.detail for path, file in self.files.items() if file.outcome is FileOutcome.CONFLICT
        }

    def count(self, outcome: FileOutcome) -> int:
        """Return how many files have this outcome."""
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
        ancestor: The pristine project of the last update.
        theirs: The pristine project of the new state.
        ours: The owner's files at the paths of both.
        prefer: Which side wins where both changed the same lines.
        incoming: The name of the new state in conflict markers.
        others: Files that the owner added. Their code is searched for the fields that it uses; a file
            that the owner renamed is merged.
    """
    others = others or {}
    moved = find_moved_files(ancestor, ours, others)
    ours = {**ours, **{old: others[new] for old, new in moved.items()}}
    others = {path: content for path, content in others.items() if path not in moved.values()}
    renames = _renames(ancestor, ours, moved)
    keep = _fields_in_use(ancestor, theirs, {**others, **ours}, renames)
    merges = {}
    for path in sorted({*ancestor, *theirs}):
        mine = ours.get(path)
        base, new = (_with_owner_names(path, tree.get(path), renames, mine) for tree in (ancestor, theirs))
        mine = _with_owner_names(path, mine, renames, mine) if path == CONVERT else mine
        conflicts = Conflicts(prefer, incoming)
        file = _merge_file(path, base, mine, new, conflicts, keep if path == SCHEMAS else frozenset())
        if path in moved:
            merges[path] = FileMerge(FileOutcome.KEPT_DELETED, None)
        merges[moved.get(path, path)] = file
    return MergedTree(merges)


def _merge_file(
    path: str,
    base: Content | None,
    ours: Content | None,
    theirs: Content | None,
    conflicts: Conflicts,
    keep: frozenset[str],
) -> FileMerge:
    if ours == theirs:
        return FileMerge(FileOutcome.UNCHANGED, ours)
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
        return FileMerge(FileOutcome.CONFLICT, text.encode(), f"{where}{why}")
    if ours == base:
        return FileMerge(FileOutcome.UPDATED, text.encode())
    return FileMerge(FileOutcome.MERGED, text.encode())


def _choose_whole(ours: Content | None, theirs: Content | None, prefer: Prefer) -> FileMerge:
    """Return the merge of a file that cannot have markers: the owner's, unless `theirs` is preferred."""
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


def _with_owner_names(
    path: str, content: Content | None, renames: Renames, ours: Content | None
) -> Content | None:
    """Return generated code with the names that the owner gave to fields, classes and modules."""
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
    """Return the fields that the new state removes and that code of the owner uses."""
    mine = ours.get(SCHEMAS)
    base, new = (_with_owner_names(SCHEMAS, tree.get(SCHEMAS), renames, mine) for tree in (ancestor, theirs))
    if not isinstance(base, bytes) or not isinstance(new, bytes):
        return frozenset()
    gone = _attributes(base.decode()) - _attributes(new.decode())
    if not gone:
        return frozenset()
    used: set[str] = set()
    for path, content in ours.items():
        if path.endswith(".py") and isinstance(content, bytes):
            pristine = _with_owner_names(path, ancestor.get(path), renames, content)
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
    """Return the `names` that a definition of the owner mentions more often than the pristine definition."""
    try:
        before, mine = dict(_definitions(base)), dict(_definitions(ours))
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


def _definitions(source: str) -> Iterator[tuple[str, str]]:
    """Yield the key and the code of each definition of a module, and of each member of its classes."""
    for chunk in cut_module(source):
        if isinstance(chunk.node, ast.ClassDef):
            yield from ((f"{chunk.key} {piece.key}", piece.code) for piece in _members(chunk))
        else:
            yield chunk.key, chunk.code


def _members(chunk: Chunk) -> list[Chunk]:
    try:
        return cut_body(chunk)[1]
    except ValueError:
        return [chunk]


def _mentions(code: str) -> Counter[str]:
    """Count each attribute, keyword and string in a piece of code."""
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
