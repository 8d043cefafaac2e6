"""What the documentation names exists: functions, commands with their options, files.

mkdocs checks the links between its pages.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import scaffold
from scaffold.cli._app import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
OUTSIDE = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/serving/README.md")
]
"""Files that are no page of the site, so that mkdocs does not check their links."""
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([\w-]+))?\)|src=\"([^\":]+)\"")
COMMANDS = typer.main.get_group(app).commands


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_in(text: str) -> list[list[str]]:
    """The words of each `scaffold` command in a code block, without what the shell takes."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```|^((?:    .*\n)+)", text, re.MULTILINE | re.DOTALL)
    lines = "\n".join(fenced or indented for fenced, indented in blocks).replace("\\\n", " ").splitlines()
    typed = [re.match(r"\s*(?:\$ )?(scaffold \S.*)", line) for line in lines]
    return [
        shlex.split(re.split(r" (?:\|\||&&|[|<>]) ", found[1])[0], comments=True)[1:]
        for found in typed
        if found
    ]


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=name_of)
def test_a_command_in_the_documentation_exists_with_its_options(path: Path) -> None:
    for verb, *words in commands_in(path.read_text()):
        command = COMMANDS[verb]
        command.make_parser(typer.Context(command, info_name=verb)).parse_args(words)


def test_the_commands_of_the_documentation_are_found() -> None:
    assert sum(len(commands_in(path.read_text())) for path in PAGES) > 50


def test_each_name_of_the_package_is_in_the_reference() -> None:
    text = "\n".join(path.read_text() for path in (DOCS / "reference").iterdir())
    assert set(re.findall(r"^::: scaffold\.(\w+)$", text, re.MULTILINE)) == {*scaffold.__all__} - {
        "__version__"
    }


@pytest.mark.parametrize("path", OUTSIDE, ids=name_of)
def test_a_link_outside_of_the_site_leads_somewhere(path: Path) -> None:
    for link, anchor, source in LINK.findall(path.read_text()):
        target = path.parent / (link or source) if link or source else path
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), f"{link}#{anchor}"
