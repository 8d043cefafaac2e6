"""Bring files of the old layout into the shape of the present ones, in the last state and in the owner's.

Common code gets the present shape in both, so that the merge sees only the owner's edits.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from scaffold.base.layout import MAIN, SCORE, SETTINGS
from scaffold.upgrade._chunks import Chunk, cut_module, joined
from scaffold.upgrade._reshape_main import reshape_main
from scaffold.upgrade._reshape_settings import reshape_settings


def reshape(
    path: str, base: str, ours: str, theirs: str, serving_settings: str
) -> tuple[str, str, list[str]]:
    """Bring one file of the last state and of the owner into the present shape; tell edits without a place.

    Args:
        path: Its present path.
        base: The file of the last state.
        ours: The owner's.
        theirs: The file of the new state.
        serving_settings: The new state's `app/serving/settings.py`.
    """
    before, mine, new = (text.replace("\r\n", "\n") for text in (base, ours, theirs))
    problems: list[str] = []
    try:
        before, mine = _with_new_comments(before, mine, new)
        if path == MAIN:
            before, mine, problems = reshape_main(before, mine, new)
        elif path == SETTINGS:
            before, mine, problems = reshape_settings(before, mine, new, serving_settings)
        elif path == SCORE:
            before, mine = _reshape_score(before, mine, new)
    except (SyntaxError, ValueError):
        return base, ours, []
    return before, mine.replace("\n", "\r\n") if "\r\n" in ours else mine, problems


def _with_new_comments(base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Replace the generated comments of each function by those of the new state."""
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    new_chunks = {chunk.key: chunk for chunk in new}
    for index, chunk in enumerate(before):
        if chunk.key not in new_chunks or not isinstance(chunk.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        old, fresh = (_comments(side.code) for side in (chunk, new_chunks[chunk.key]))
        words = {line: fresh[at] if at < len(fresh) else None for at, line in enumerate(old)}
        before[index] = _replace_comments(chunk, words)
        mine = [_replace_comments(each, words) if each.key == chunk.key else each for each in mine]
    return joined(before), joined(mine)


def _comments(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.lstrip().startswith("#")]


def _replace_comments(chunk: Chunk, words: dict[str, str | None]) -> Chunk:
    lines = [words.get(line, line) for line in chunk.code.splitlines()]
    return replace(chunk, code="".join(f"{line}\n" for line in lines if line is not None))


def _reshape_score(base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Replace the check of the model's hash by `open_model`, and add the switch for the fast columns."""
    if switch := _switch(theirs):
        plain, switched = switch
        base, ours = (text.replace(plain, switched, 1) for text in (base, ours))
    old, owner_check = _hash_check(base), _hash_check(ours)
    if not old or old != owner_check:
        return base, ours
    indent = old[: len(old) - len(old.lstrip())]
    replacement = f"{indent}with open_model(MODEL, MODEL_SHA256) as file:\n"
    base, ours = (text.replace(old, replacement) for text in (base, ours))
    if "hashlib." not in base + ours:
        base, ours = (text.replace("import hashlib\n", "", 1) for text in (base, ours))
    return base, ours


def _switch(source: str) -> tuple[str, str] | None:
    """The line that speeds up the columns as it is without a switch, and the lines with the switch."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "settings.fast_column_transformer":
            call = _lines(source, node.body[0], node.body[-1]).strip()
            if call == "speed_up(_model)":
                return f"{' ' * node.col_offset}{call}\n", _lines(source, node, node)
    return None


def _hash_check(source: str) -> str:
    """The lines that open the model and read it once for its hash; empty where there are none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "MODEL.open('rb') as file":
            for statement in node.body:
                if ast.unparse(statement) == "file.seek(0)":
                    return _lines(source, node, statement)
    return ""


def _lines(source: str, first: ast.stmt, last: ast.stmt) -> str:
    """The whole lines from one statement to another."""
    lines = source.splitlines(keepends=True)
    return "".join(lines[first.lineno - 1 : last.end_lineno])
