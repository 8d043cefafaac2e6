"""Merge three versions of a Python file by import, class, function and field."""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
from collections.abc import Iterable

from scaffold.upgrade._chunks import Chunk, cut_body, cut_module
from scaffold.upgrade._conflicts import Conflicts, Disagreement, Prefer, choose, each
from scaffold.upgrade._fields import OtherKind, merge_assignment
from scaffold.upgrade._imports import (
    merge_import,
    restore_imports,
    sort_imports,
    unbound_names,
    used_too_early,
)
from scaffold.upgrade._lines import merge_lines
from scaffold.upgrade._moves import follow_moved_fields
from scaffold.upgrade._validators import contest_used_fields

NOTHING: frozenset[str] = frozenset()


def merge_python(
    base: str, ours: str, theirs: str, conflicts: Conflicts, keep: frozenset[str] = NOTHING
) -> str:
    """The module with both sides' changes in it; it parses, unless it holds conflict markers.

    Args:
        base: The pristine module of last time.
        ours: The owner's module.
        theirs: The pristine module of the new state.
        conflicts: Resolves or marks what both changed.
        keep: Names that the owner's code uses: it is a conflict if the new state lacks one.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base and not keep:
        return theirs
    try:
        sides = each(lambda text: cut_module(_unix(text)), base, ours, theirs)
    except (SyntaxError, ValueError):
        return merge_lines(base, ours, theirs, conflicts)
    before, mine, new = sides
    before, new = follow_moved_fields(before, mine, new)
    text = _merge_module((before, mine, new), conflicts, keep)
    return text.replace("\n", "\r\n") if "\r\n" in ours else text


def _merge_module(
    sides: tuple[list[Chunk], list[Chunk], list[Chunk]], conflicts: Conflicts, keep: frozenset[str]
) -> str:
    """Merge once to see which names would be missing, and again with these as conflicts."""
    texts = ["".join(chunk.text for chunk in side) for side in sides]
    trial = Conflicts(Prefer.OURS if conflicts.prefer is Prefer.NEITHER else conflicts.prefer)
    first = restore_imports(_merge_siblings(sides, trial, keep), texts)
    unbound_before = unbound_names(texts[1]) | unbound_names(texts[2])
    missing = unbound_names(first) - unbound_before
    merged = restore_imports(_merge_siblings(sides, conflicts, keep | missing), texts)
    if not conflicts.count and not _is_sound(merged, texts):
        return conflicts.resolve(texts[1], texts[2])
    return merged if conflicts.count else sort_imports(merged, texts[1])


def _merge_siblings(
    sides: tuple[list[Chunk], list[Chunk], list[Chunk]], conflicts: Conflicts, keep: frozenset[str]
) -> str:
    before, mine, new = ({chunk.key: chunk for chunk in side} for side in sides)
    order = _order(list(before), list(mine), list(new))
    pieces = [_merge_one(before.get(key), mine.get(key), new.get(key), conflicts, keep) for key in order]
    filled = [at for at, piece in enumerate(pieces) if piece]
    if len(filled) > 2 and order[filled[0]] == "docstring" and all(_imports(order[at]) for at in filled[1:3]):
        pieces[filled[1]], pieces[filled[2]] = _below_docstring(pieces[filled[1]], pieces[filled[2]])
    for above, at in itertools.pairwise(filled):
        pieces[at] = _below_definition(order[above], pieces[at], mine.get(order[at]))
    return "".join(pieces)


def _below_docstring(first: str, second: str) -> tuple[str, str]:
    """Two imports below the docstring; the empty line is above the first one."""
    if first.startswith("\n") or not second.startswith("\n"):
        return first, second
    return f"\n{first}", second.removeprefix("\n")


def _below_definition(above: str, piece: str, ours: Chunk | None) -> str:
    """A piece with the empty lines that the owner has above it, where it follows a class or a function."""
    text = piece.lstrip("\n")
    if not ours or not above.startswith(("class ", "def ")) or len(ours.blank) <= len(piece) - len(text):
        return piece
    return ours.blank + text


def _order(base: list[str], ours: list[str], theirs: list[str]) -> list[str]:
    """Every key once: in the new order, or in the owner's where they moved something."""
    common = set(base) & set(ours) & set(theirs)
    moved = [key for key in ours if key in common] != [key for key in base if key in common]
    frame, other = (ours, theirs) if moved else (theirs, ours)
    order = list(frame)
    at = 0
    for key in other:
        if key in order:
            at = order.index(key) + 1
        else:
            # Additions of both in one place: new fields before the owner's methods. Imports stay on top.
            while not (moved or _imports(key)) and at < len(order) and order[at] not in {*base, *ours}:
                at += 1
            order.insert(at, key)
            at += 1
    ends = {"docstring": 0, "end": 2}
    return sorted(order, key=lambda key: ends.get(key, 1))


def _merge_one(
    base: Chunk | None, ours: Chunk | None, theirs: Chunk | None, conflicts: Conflicts, keep: frozenset[str]
) -> str:
    if ours is None:
        if theirs is None or (base is not None and theirs.code == base.code):
            return ""
        return theirs.text if base is None else _contest(None, theirs, conflicts)
    if theirs is None:
        if base is None:
            return ours.text
        is_removed = ours.text.strip() == base.text.strip() and _name(ours) not in keep
        return "" if is_removed else _contest(ours, None, conflicts)
    if base is None:
        return _merge_both_added(ours, theirs, conflicts)
    lead = _merge_lead(base.lead, ours.lead, theirs.lead)
    return lead + _merge_code(base, ours, theirs, conflicts, keep)


def _merge_both_added(ours: Chunk, theirs: Chunk, conflicts: Conflicts) -> str:
    if ours.code.strip() == theirs.code.strip():
        return ours.text
    if isinstance(ours.node, ast.ImportFrom):
        try:
            return ours.lead + merge_import("", ours.code, theirs.code)
        except Disagreement:
            pass
    return _contest(ours, theirs, conflicts)


def _contest(ours: Chunk | None, theirs: Chunk | None, conflicts: Conflicts) -> str:
    """A conflict between whole pieces; the empty lines above stay outside the markers."""
    blank = (ours or theirs or Chunk("", "", "")).blank
    texts = [chunk.text.removeprefix(chunk.blank) if chunk else "" for chunk in (ours, theirs)]
    resolved = conflicts.resolve(*texts)
    return blank + resolved if resolved else ""


def _merge_code(base: Chunk, ours: Chunk, theirs: Chunk, conflicts: Conflicts, keep: frozenset[str]) -> str:
    if not (keep and isinstance(ours.node, ast.ClassDef)):
        try:
            return choose(base.code, ours.code, theirs.code)
        except Disagreement:
            pass
        if same_but_for_layout(base.code, ours.code):
            return theirs.code
        if same_but_for_layout(base.code, theirs.code):
            return ours.code
    try:
        match ours.node:
            case ast.ImportFrom():
                return merge_import(base.code, ours.code, theirs.code)
            case ast.AnnAssign() | ast.Assign():
                return _merge_assigned(base.code, ours.code, theirs.code, conflicts)
            case ast.ClassDef():
                return _merge_class(base, ours, theirs, conflicts, keep)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | None:
                return _merge_statements(base.code, ours.code, theirs.code, conflicts)
            case _:
                return merge_lines(base.code, ours.code, theirs.code, conflicts)
    except (Disagreement, SyntaxError, ValueError):
        return conflicts.resolve(ours.code, theirs.code)


def same_but_for_layout(left_code: str, right_code: str) -> bool:
    """Whether two pieces of code differ only in layout, as after a formatter."""
    try:
        left, right = (ast.dump(ast.parse(_dedented(code))) for code in (left_code, right_code))
        return left == right and _comments(left_code) == _comments(right_code)
    except (SyntaxError, tokenize.TokenError):
        return False


def _comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(_dedented(code)).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _merge_class(base: Chunk, ours: Chunk, theirs: Chunk, conflicts: Conflicts, keep: frozenset[str]) -> str:
    (head, before), (my_head, mine), (new_head, new) = (cut_body(side) for side in (base, ours, theirs))
    head = merge_lines(head, my_head, new_head, conflicts)
    before, mine, new = contest_used_fields((before, mine, new), conflicts)
    body = _merge_siblings((before, mine, new), conflicts, keep)
    return head + (body if body.strip() else "    pass\n")


def _merge_assigned(base: str, ours: str, theirs: str, conflicts: Conflicts) -> str:
    try:
        return merge_assignment(base, ours, theirs)
    except OtherKind:
        return conflicts.resolve(ours, theirs)
    except Disagreement:
        pass
    try:
        before, mine, new = each(_without_comment, base, ours, theirs)
        return choose(before[0], mine[0], new[0]) + choose(before[1], mine[1], new[1])
    except Disagreement:
        return _merge_statements(base, ours, theirs, conflicts)


def _without_comment(code: str) -> tuple[str, str]:
    """A statement on one line, and the comment behind it."""
    if code.count("\n") > 1 or "  #" not in code or any(quote in code for quote in "\"'"):
        return code.rstrip("\n"), "\n"
    line, mark, comment = code.partition("  #")
    return line, mark + comment


def _merge_statements(base: str, ours: str, theirs: str, conflicts: Conflicts) -> str:
    """Merge the lines of a statement; a merge without a conflict must still parse."""
    trial = Conflicts()
    merged = merge_lines(base, ours, theirs, trial)
    if trial.count:
        return merge_lines(base, ours, theirs, conflicts)
    ast.parse(_dedented(merged))
    return merged


def _merge_lead(base: str, ours: str, theirs: str) -> str:
    """Comments of both sides: the owner's stay, and the generated ones follow the new state.

    Where the owner took all the generated comments away, no new one comes.
    """
    try:
        return choose(base, ours, theirs)
    except Disagreement:
        pass
    before, mine, new = (text.splitlines(keepends=True) for text in (base, ours, theirs))
    notes = [line for line in mine if line.strip()]
    if not notes and any(line.strip() for line in before):
        return ours
    stale = {line for line in before if line.strip() and line not in new}
    fresh = [line for line in new if line.strip() and line not in before and line not in mine]
    remaining = [line for line in mine if line not in stale]
    places = [index for index, line in enumerate(mine) if line in stale]
    at = len([line for line in mine[: places[0]] if line not in stale]) if places else len(remaining)
    return "".join([*remaining[:at], *fresh, *remaining[at:]])


def _imports(key: str) -> bool:
    return key.startswith(("import ", "from "))


def _name(chunk: Chunk) -> str:
    return chunk.key.partition(" ")[2].partition(" ")[0].partition(".")[0]


def _is_sound(merged: str, sides: Iterable[str]) -> bool:
    """Whether the module parses, and the merge defined no name twice and used none before its definition."""
    try:
        faults = _defined_twice(merged) | used_too_early(merged)
    except SyntaxError:
        return False
    return faults <= set().union(*(_defined_twice(side) | used_too_early(side) for side in sides))


def _defined_twice(source: str) -> set[str]:
    names: set[str] = set()
    twice: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            (twice if node.name in names else names).add(node.name)
    return twice


def _dedented(code: str) -> str:
    first = code.lstrip("\n")
    return f"if True:\n{code}" if first[:1] in {" ", "\t"} else code


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")
