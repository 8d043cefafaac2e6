"""Take a project of the old layout to the present one before it is merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scaffold.base.layout import APP, SERVING
from scaffold.errors import PathTakenError
from scaffold.upgrade._content import Content
from scaffold.upgrade._gone import gone_references
from scaffold.upgrade._layout import is_old, moves_of, with_new_paths
from scaffold.upgrade._moves import find_moved_files
from scaffold.upgrade._references import follow_layout
from scaffold.upgrade._reshape import reshape

_SETTINGS = f"{SERVING}/settings.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The trees of a merge, in the present layout."""

    ancestor: Mapping[str, Content]
    ours: Mapping[str, Content]
    added: Mapping[str, Content]
    moves: Mapping[str, str] = field(default_factory=dict)
    """The files of the owner's that moved: the new path by the old one."""
    problems: Mapping[str, list[str]] = field(default_factory=dict)
    """Edits that have no place in the present layout, by path."""
    notes: tuple[str, ...] = ()


def migrate(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added: Mapping[str, Content],
) -> Migrated | None:
    """Bring the last state and the owner's files into the layout of the new state; None if they have it.

    Raises:
        PathTakenError: Files of the owner are at paths of the new layout.
    """
    if not is_old(ancestor, theirs):
        return None
    moves = moves_of(ancestor)
    _require_free(moves, {**added, **ours}, theirs)
    base = _follow_moves(ancestor, moves)
    mine = _follow_moves(ours, moves)
    problems: dict[str, list[str]] = {}
    for path, content in mine.items():
        sides = base.get(path), content, theirs.get(path)
        if content != sides[0] and path.startswith(f"{APP}/") and path.endswith(".py"):
            shaped = _reshape_file(path, sides, theirs.get(_SETTINGS))
            if shaped:
                base[path], mine[path], problems[path] = shaped
    moved_added = _follow_moves(added, {})
    elsewhere = find_moved_files(base, mine, moved_added)
    deleted = {
        new: old
        for old, new in moves.items()
        if new.startswith(f"{SERVING}/") and new in theirs and new not in {*mine, *elsewhere}
    }
    return Migrated(
        ancestor={path: content for path, content in base.items() if path not in deleted},
        ours=mine,
        added=moved_added,
        moves={old: new for old, new in moves.items() if old in ours},
        problems={path: messages for path, messages in problems.items() if messages},
        notes=tuple(
            f"you deleted {old}; app/serving/ needs it, so {new} is there again"
            for new, old in deleted.items()
        ),
    )


def _require_free(
    moves: Mapping[str, str], owner: Mapping[str, Content], theirs: Mapping[str, Content]
) -> None:
    taken = [
        (new, old)
        for old, new in moves.items()
        if old in owner and new in owner and owner[old] != owner[new] != theirs.get(new)
    ]
    if f"{SERVING}.py" in owner:
        taken.append((f"{SERVING}.py", f"the package {SERVING}/"))
    if taken:
        raise PathTakenError(tuple(sorted(taken)))


def find_gone(files: Mapping[str, Content | None], theirs: Mapping[str, Content]) -> dict[str, list[str]]:
    """Return the dangling references of the merged code by path, without those in generated files."""
    texts = {
        path: content.decode()
        for path, content in files.items()
        if path.endswith(".py") and isinstance(content, bytes)
    }
    return gone_references(texts, {path for path in texts if files[path] != theirs.get(path)})


def _follow_moves(tree: Mapping[str, Content], moves: Mapping[str, str]) -> dict[str, Content]:
    followed = {
        path: follow_layout(path, content.decode()).encode()
        if path.endswith(".py") and isinstance(content, bytes)
        else content
        for path, content in tree.items()
    }
    return with_new_paths(followed, moves)


def _reshape_file(
    path: str, sides: tuple[Content | None, Content, Content | None], settings: Content | None
) -> tuple[bytes, bytes, list[str]] | None:
    texts = [side.decode() for side in (*sides, settings) if isinstance(side, bytes)]
    if len(texts) < len(sides) + 1:
        return None
    base, ours, problems = reshape(path, texts[0], texts[1], texts[2], texts[3])
    return base.encode(), ours.encode(), problems
