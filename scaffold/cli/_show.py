"""The output of results: JSON, rows, a diff, a tree of files, an error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from scaffold.base.layout import STATE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves the cursor, colours or reorders the text of a terminal, and what no encoding has."""


def visible(text: str) -> str:
    """Return `text` with its control characters written out, but for tabs and ends of lines: `\\x1b`."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def console(*, stderr: bool = False) -> Console:
    """Return a console for `visible` text that colours no numbers and does not wrap lines in a pipe."""
    from rich.console import Console
    from rich.text import Text

    class VisibleConsole(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

    width = None if (sys.stderr if stderr else sys.stdout).isatty() else 200
    # No emoji: `store:a:b` is a name.
    return VisibleConsole(
        stderr=stderr, highlight=False, emoji=False, soft_wrap=width is not None, width=width
    )


def show_error(message: str, more: str = "") -> None:
    """Print `message` on the error stream, its first line marked; `more` only where a person reads it."""
    first, _, rest = message.partition("\n")
    err = console(stderr=True)
    err.print("[bold red]✗[/]", end=" ")
    err.print(first, markup=False, style="bold")
    if rest:
        err.print(rest, markup=False)
    if more and err.is_terminal:
        err.print(more, markup=False, style="dim")


def show_json(value: object) -> None:
    """Print `value`, which may contain values of `spec`, as JSON."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=not is_utf8, default=_plain)
    # Text of others may hold control characters of a terminal.
    sys.stdout.write(re.sub(r"[^\n -~]", _escaped, text) + "\n")


def _escaped(character: re.Match[str]) -> str:
    """Return a printable character unchanged, another as its JSON escape."""
    return character[0] if character[0].isprintable() else json.dumps(character[0])[1:-1]


def _plain(value: object) -> object:
    """Convert a value of `spec` to JSON values: fields by name, members of an enum by value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value.value if isinstance(value, Enum) else str(value)


def show_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of text in columns as wide as they need."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    for row in rows:
        table.add_row(*map(escape, row))
    console().print(table)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text, each in one line, below the names of their columns."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(escape(" ".join(cell.split())) for cell in row))
    console().print(table)


def show_diff(text: str, *, stderr: bool = False) -> None:
    """Print a unified diff, its lines coloured by their sign."""
    out = console(stderr=stderr)
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.splitlines():
        out.print(line, markup=False, style=styles.get(line[:1], ""))


def file_tree(root: Path, files: Mapping[str, str], notes: Mapping[str, str]) -> Tree:
    """A tree of `files` below `root`, with a remark beside those that `notes` names."""
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"{root}/", style="bold"))
    folders: dict[PurePosixPath, Tree] = {PurePosixPath(): tree}
    for path in sorted(map(PurePosixPath, files), key=lambda path: (path.parts[:-1] == (), path.parts)):
        if path.parts[0] == STATE:
            continue
        for parent in reversed(path.parents[:-1]):
            if parent not in folders:
                folders[parent] = folders[parent.parent].add(Text(f"{parent.name}/", style="bold"))
        remark = notes.get(str(path), "")
        line = Text.assemble(
            f"{path.name:<18}" if remark else path.name, (f"  {remark}" if remark else "", "dim")
        )
        folders[path.parent].add(line)
    return tree
