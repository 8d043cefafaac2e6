"""What mkdocs adds to the pages of this folder: errors, commands, the benchmarks of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from scaffold.cli._app import app
from scaffold.errors import ScaffoldError
from scaffold.errors.explained import branches, explain, meaning, tree

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "benchmarks/method.md": ROOT / "benchmarks/serving/README.md",
    "benchmarks/table.md": ROOT / "benchmarks/serving/results/table.md",
}
"""Files of the repository that are pages too."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of the errors to the navigation."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Errors" in entry:
            entry["Errors"] += [{branch.__name__: page_of(branch)} for branch in branches()]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of this folder."""
    for branch in branches():
        files.append(File.generated(config, page_of(branch), content=error_page(branch)))
    for name, path in OUTSIDE.items():
        text = path.read_text()
        title = "" if text.startswith("# ") else "# Measurements\n\n"
        files.append(File.generated(config, name, content=title + text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the lists, and lead links out of this folder to the pages that were added."""
    for name, path in OUTSIDE.items():
        markdown = markdown.replace(f"](../{path.relative_to(ROOT)})", f"]({name})")
    for line, made in (("<!-- errors -->", error_table), ("<!-- commands -->", command_list)):
        if line in markdown:
            markdown = markdown.replace(line, made())
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    r"""Write `|` for the `\|` of code in a table, as other readers of Markdown do."""
    return re.sub(r"<td.*?</td>", lambda cell: cell[0].replace(r"\|", "|"), html, flags=re.DOTALL)


def page_of(branch: type[ScaffoldError]) -> str:
    """The page of a branch: `errors/environment-spec.md`."""
    words = re.findall("[A-Z][a-z]+", branch.__name__.removesuffix("Error"))
    return f"errors/{'-'.join(words).lower()}.md"


def error_page(branch: type[ScaffoldError]) -> str:
    """The page of a branch: what it means, then each error below it."""
    first, *kinds = tree(branch)
    parts = [f"# {first.__name__}", explain(first)]
    for kind in kinds:
        parts += [f"## {kind.__name__}", explain(kind)]
    # Docstrings name pages as files of the repository.
    return re.sub(r"\bdocs/([\w/]+\.md(?:#[\w-]+)?)", r"[docs/\1](../\1)", "\n\n".join(parts))


def error_table() -> str:
    """A row for each branch of the tree."""
    rows = [
        f"| [{branch.__name__}]({page_of(branch).removeprefix('errors/')}) | {_first_line(meaning(branch))} |"
        for branch in branches()
    ]
    return "\n".join(["| branch | meaning |", "| --- | --- |", *rows])


def command_list() -> str:
    """The help of each command."""
    parts = []
    for name, command in typer.main.get_group(app).commands.items():
        context = typer.Context(command, info_name=f"scaffold {name}", terminal_width=84)
        parts.append(f"## scaffold {name}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
