"""Bring files of the old layout into the shape of the present ones, in the last state and in the owner's.

What both have alike takes the present shape in both, so that the merge sees the owner's edits alone.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scaffold.base.layout import MAIN, SCORE, SETTINGS
from scaffold.upgrade._chunks import Chunk, cut_body, cut_module

_BATCHER, _APP, _LIFESPAN, _LOG = "name batcher", "name app", "def lifespan", "name log"
_CLASS = "class Settings"
_SERVING_IMPORT = "from app.serving import "
_OPTIONS = ("max_body_size", "redirect_slashes")
"""What `settings.fastapi_options` gives to `FastAPI`, and the old main.py did not."""
_WITH_FILE = re.compile(
    r"""(?m)^(?P<indent> +)with MODEL\.open\("rb"\) as file:\n(?P<check>(?:.*\n)*?)(?P=indent)    file\.seek\(0\)\n"""
)

_SPEED_UP = re.compile(r"(?m)^( +)if settings\.fast_column_transformer:\n\1    (speed_up\(_model\))\n")

Module = list[Chunk]


@dataclass(slots=True)
class Reshaped:
    """The two sides in the present shape."""

    base: str
    ours: str
    problems: list[str] = field(default_factory=list)
    """Edits that have no place in the present shape."""


def reshape(path: str, base: str, ours: str, theirs: str, serving_settings: str) -> Reshaped:
    """Bring one file of the last state and of the owner into the present shape.

    Args:
        path: Its present path.
        base: The file of the last state.
        ours: The owner's.
        theirs: The file of the new state.
        serving_settings: The new state's `app/serving/settings.py`.
    """
    crlf = "\r\n" in ours
    base, ours, theirs = (text.replace("\r\n", "\n") for text in (base, ours, theirs))
    try:
        base, ours = _with_new_comments(base, ours, theirs)
        match path:
            case _ if path == MAIN:
                shaped = _main(base, ours, theirs)
            case _ if path == SETTINGS:
                shaped = _settings(base, ours, theirs, serving_settings)
            case _ if path == SCORE:
                shaped = _score(base, ours, theirs)
            case _:
                shaped = Reshaped(base, ours)
    except (SyntaxError, ValueError):
        shaped = Reshaped(base, ours)
    if crlf:
        shaped.ours = shaped.ours.replace("\n", "\r\n")
    return shaped


def _text(chunks: Iterable[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def _with_new_comments(base: str, ours: str, theirs: str) -> tuple[str, str]:
    """The generated comments of each function, one by one in the words of the new state."""
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    known = {chunk.key: chunk for chunk in new}
    for index, chunk in enumerate(before):
        if chunk.key not in known or not isinstance(chunk.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        old, fresh = (_comments(side.code) for side in (chunk, known[chunk.key]))
        words = {line: fresh[at] if at < len(fresh) else None for at, line in enumerate(old)}
        before[index] = _reworded(chunk, words)
        mine = [_reworded(each, words) if each.key == chunk.key else each for each in mine]
    return _text(before), _text(mine)


def _comments(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.lstrip().startswith("#")]


def _reworded(chunk: Chunk, words: dict[str, str | None]) -> Chunk:
    lines = [words.get(line, line) for line in chunk.code.splitlines()]
    return replace(chunk, code="".join(f"{line}\n" for line in lines if line is not None))


def _main(base: str, ours: str, theirs: str) -> Reshaped:
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    before, mine = _with_options(before, mine), mine
    before, mine = _batcher_below_app(before), _batcher_below_app(mine)
    before, mine, problems = _without_installed(before, mine, new)
    before, mine = _wrapped_lifespan(before, mine)
    if _mentions(mine, "log") > _mentions(before, "log"):
        before = [chunk for chunk in before if chunk.key != _LOG]
    return Reshaped(_text(before), _text(mine), problems)


def _mentions(chunks: Module, name: str) -> int:
    nodes = ast.walk(ast.parse(_text(chunks)))
    return sum(isinstance(node, ast.Name) and node.id == name for node in nodes)


def _with_options(before: Module, mine: Module) -> Module:
    """The last state with the arguments that the owner gave and that the new state gives too: a conflict."""
    given = _keywords(mine) - _keywords(before)
    lines = "".join(f"    {name}=...,\n" for name in _OPTIONS if name in given)
    if not lines:
        return before
    return [
        replace(chunk, code=chunk.code.rstrip().removesuffix(")") + lines + ")\n")
        if chunk.key == _APP
        else chunk
        for chunk in before
    ]


def _keywords(chunks: Module) -> set[str]:
    values = [chunk.node.value for chunk in chunks if chunk.key == _APP and isinstance(chunk.node, ast.Assign)]
    return {key.arg or "" for value in values if isinstance(value, ast.Call) for key in value.keywords}


def _batcher_below_app(chunks: Module) -> Module:
    """The module with the batcher made after the app, as in the new state."""
    keys = [chunk.key for chunk in chunks]
    if _BATCHER not in keys or _APP not in keys or keys.index(_BATCHER) > keys.index(_APP):
        return chunks
    batcher = chunks[keys.index(_BATCHER)]
    rest = [chunk for chunk in chunks if chunk.key != _BATCHER]
    at = [chunk.key for chunk in rest].index(_APP) + 1
    tight = replace(batcher, lead=batcher.lead.lstrip("\n"))
    return [*rest[:at], tight, *rest[at:]]


def _without_installed(
    before: Module, mine: Module, new: Module
) -> tuple[Module, Module, list[str]]:
    """The statements that `install` stands for now, replaced in both; the owner's own ones stay."""
    old = [text for chunk in before if not chunk.node for text in _statements(chunk)]
    left = Counter(map(_dumped, old))
    kept: Module = []
    own: list[str] = []
    for chunk in mine:
        if chunk.node or not chunk.code:
            kept.append(chunk)
            continue
        added = []
        for text in _statements(chunk):
            if left[_dumped(text)]:
                left[_dumped(text)] -= 1
            else:
                added.append(text)
        own += added
        if added:
            kept.append(Chunk(chunk.key, "", "".join(added)))
    before = [chunk for chunk in before if chunk.node or not chunk.code]
    install = next((chunk for chunk in new if not chunk.node and "install(" in chunk.code), None)
    anchor = next((key for key in (_BATCHER, _APP) if _has(before, key) and _has(kept, key)), "")
    if install and anchor:
        before, kept = (_with_after(side, anchor, install) for side in (before, kept))
    gone = [text for text in old if left[_dumped(text)] and not left.subtract({_dumped(text): 1})]
    targets = {target for text in own for target in _targets(text)}
    problems = [
        f"you changed or removed `{_first_line(text)}`, which `install` of app/serving/startup.py does now"
        for text in gone
        if not _targets(text) or not _targets(text) <= targets
    ]
    return before, kept, problems


def _has(chunks: Module, key: str) -> bool:
    return any(chunk.key == key for chunk in chunks)


def _with_after(chunks: Module, key: str, chunk: Chunk) -> Module:
    at = [each.key for each in chunks].index(key) + 1
    return [*chunks[:at], chunk, *chunks[at:]]


def _statements(chunk: Chunk) -> list[str]:
    """The statements of a run, each with what stands above it."""
    lines = chunk.text.splitlines(keepends=True)
    found, at = [], 0
    for node in ast.parse(chunk.text).body:
        end = node.end_lineno or node.lineno
        found.append("".join(lines[at:end]))
        at = end
    return found


def _dumped(text: str) -> str:
    return ast.dump(ast.parse(text))


def _targets(text: str) -> set[str]:
    """What a statement assigns to."""
    [node] = ast.parse(text).body
    return {ast.unparse(target) for target in node.targets} if isinstance(node, ast.Assign) else set()


def _first_line(text: str) -> str:
    return ast.unparse(ast.parse(text)).splitlines()[0]


def _wrapped_lifespan(before: Module, mine: Module) -> tuple[Module, Module]:
    """The owner's steps of the old lifespan, around the lifespan of the serving code."""
    old = next((chunk for chunk in before if chunk.key == _LIFESPAN), None)
    own = next((chunk for chunk in mine if chunk.key == _LIFESPAN), None)
    if not old or not own or old.code == own.code:
        return before, mine
    steps = _added_steps(old.code, own.code)
    if steps is None:
        return before, mine
    early, late, after = steps
    head = own.code[: own.code.index(":\n") + 2]
    doc = ast.get_docstring(ast.parse(own.code).body[0], clean=False)  # type: ignore[arg-type]
    inner = textwrap.indent(f"{late}yield\n{after}", "    ")
    body = f'{early}async with serving_lifespan(app):\n{inner}'
    body = (f'"""{doc}"""\n' if doc else "") + body
    wrapped = replace(own, code=head + textwrap.indent(body, "    "))
    before = [chunk for chunk in before if chunk.key != _LIFESPAN]
    mine = [wrapped if chunk.key == _LIFESPAN else chunk for chunk in mine]
    return (
        _with_import(before, f"{_SERVING_IMPORT}lifespan\n"),
        _with_import(mine, f"{_SERVING_IMPORT}lifespan as serving_lifespan\n"),
    )


def _with_import(chunks: Module, line: str) -> Module:
    """The module with one more import of the serving code, merged into one that it has."""
    at = next((at for at, chunk in enumerate(chunks) if chunk.key == _SERVING_IMPORT.rpartition(" import")[0]), None)
    if at is not None:
        code = chunks[at].code.rstrip("\n").rstrip(")").rstrip(", \n")
        name = line.removeprefix(_SERVING_IMPORT).rstrip("\n")
        tail = ",\n)\n" if "(" in code else "\n"
        return [*chunks[:at], replace(chunks[at], code=f"{code}, {name}{tail}"), *chunks[at + 1 :]]
    last = max((at for at, chunk in enumerate(chunks) if chunk.key.startswith("from app")), default=0)
    return [*chunks[: last + 1], Chunk("", "", line), *chunks[last + 1 :]]


def _added_steps(old: str, own: str) -> tuple[str, str, str] | None:
    """The owner's steps before the model is loaded, after that, and at the end; None if they changed a step."""
    bodies = [ast.parse(text).body[0] for text in (old, own)]
    if not all(isinstance(node, ast.AsyncFunctionDef) for node in bodies):
        return None
    heads = [ast.dump(node).partition("body=[")[0] for node in bodies]
    if heads[0] != heads[1]:
        return None
    waiting = [ast.dump(node) for node in bodies[0].body if not _is_text(node)]  # type: ignore[attr-defined]
    warm_up = sum(_is_before_warm_up(node) for node in bodies[0].body if not _is_text(node))  # type: ignore[attr-defined]
    lines = textwrap.dedent(own).splitlines(keepends=True)
    early, late, after = "", "", ""
    met, yielded, at = 0, False, None
    for node in bodies[1].body:  # type: ignore[attr-defined]
        start, at = at, node.end_lineno
        if _is_text(node):
            continue
        if waiting[met : met + 1] == [ast.dump(node)]:
            met += 1
            yielded = yielded or _is_yield(node)
            continue
        step = textwrap.dedent("".join(lines[(start or node.lineno - 1) : node.end_lineno])).lstrip("\n")
        if yielded:
            after += step
        elif met >= warm_up or re.search(r"\b(score|load)\b", step):
            late += step
        else:
            early += step
    return (early, late, after) if met == len(waiting) else None


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_yield(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield)


def _is_before_warm_up(node: ast.stmt) -> bool:
    """Whether a step of the old lifespan loads the model or scores a first record."""
    text = ast.unparse(node)
    return text == "load()" or text.startswith("batcher.") or "make_record" in text


def _settings(base: str, ours: str, theirs: str, serving_settings: str) -> Reshaped:
    """The fields that the base class has now go from both sides, unless the owner changed them."""
    before, mine, new = (cut_module(text) for text in (base, ours, theirs))
    if not all(_has(side, _CLASS) for side in (before, mine, new)):
        return Reshaped(base, ours)
    before, mine = _with_opentelemetry(before), _with_opentelemetry(mine)
    inherited = {part.key for part in _parts(cut_module(serving_settings), "class ServingSettings")}
    inherited = {key for key in inherited if key.startswith("name ") and key != "name model_config"}
    inherited -= {part.key for part in _parts(new, _CLASS)}
    held = {part.key: part for part in _parts(before, _CLASS)}
    own = {part.key for part in _parts(mine, _CLASS)}
    unchanged = {
        part.key
        for part in _parts(mine, _CLASS)
        if part.key in inherited and part.key in held and part.text.strip() == held[part.key].text.strip()
    }
    problems = [
        f"you removed the setting {key.removeprefix('name ')}; ServingSettings has it"
        for key in sorted(held.keys() & inherited - own)
    ]
    return Reshaped(
        _text(_without_fields(before, inherited)), _text(_without_fields(mine, unchanged)), problems
    )


def _with_opentelemetry(chunks: Module) -> Module:
    """The old constant as the field that it is now."""
    constant = next((chunk for chunk in chunks if chunk.key == "name OPENTELEMETRY"), None)
    if not constant or not isinstance(constant.node, ast.Assign):
        return chunks
    line = f"    opentelemetry: bool = {ast.unparse(constant.node.value)}\n"
    return [
        replace(chunk, code=chunk.code + line) if chunk.key == _CLASS else chunk
        for chunk in chunks
        if chunk is not constant
    ]


def _parts(chunks: Module, key: str) -> Module:
    return next((cut_body(chunk)[1] for chunk in chunks if chunk.key == key), [])


def _without_fields(chunks: Module, keys: set[str]) -> Module:
    result = []
    for chunk in chunks:
        if chunk.key == _CLASS:
            head, parts = cut_body(chunk)
            body = _text(part for part in parts if part.key not in keys)
            chunk = replace(chunk, code=head + (body if body.strip() else "    pass\n"))
        result.append(chunk)
    return result


def _score(base: str, ours: str, theirs: str) -> Reshaped:
    """The check of the model's hash is `open_model` now, and the faster columns have a switch."""
    if switched := _SPEED_UP.search(theirs):
        plain = f"{switched[1]}{switched[2]}\n"
        base, ours = (text.replace(plain, switched[0], 1) for text in (base, ours))
    old, own = _WITH_FILE.search(base), _WITH_FILE.search(ours)
    if not old or not own or old[0] != own[0]:
        return Reshaped(base, ours)
    opened = rf"{old['indent']}with open_model(MODEL, MODEL_SHA256) as file:" "\n"
    sides = [text.replace(old[0], opened) for text in (base, ours)]
    if not any("hashlib." in text for text in sides):
        sides = [text.replace("import hashlib\n", "", 1) for text in sides]
    return Reshaped(*sides)
