"""Each row of docs/samples.md and docs/models.md has a test: tests/introspect/held.py says which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.introspect.held import PROSE, ROWS

TESTS = Path(__file__).parents[1]
PAGES = {page: (TESTS.parent / "docs" / page).read_text() for page in ROWS}
SOURCES = [path.read_text() for path in TESTS.rglob("test_*.py")]


def sections(page: str) -> dict[str, list[str]]:
    """The first cells of the rows of each section, headings of tables left out."""
    found: dict[str, list[str]] = {}
    section = ""
    lines = PAGES[page].splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("## "):
            section = line.removeprefix("## ")
            found[section] = []
        is_row = line.startswith("| ") and not line.startswith("| ---")
        if is_row and not following.startswith("| ---"):
            found[section].append(re.split(r"(?<!\\)\|", line)[1].strip())
    return found


@pytest.mark.parametrize("page", ROWS)
def test_each_row_of_a_page_has_a_test(page: str) -> None:
    rows = {section: cells for section, cells in sections(page).items() if cells}
    assert rows == {section: list(held) for section, held in ROWS[page].items()}
    assert sum(map(len, rows.values())) > 30
    assert all(tests for held in ROWS[page].values() for tests in held.values())


@pytest.mark.parametrize("page", PROSE)
def test_each_section_whose_text_has_tests_is_there(page: str) -> None:
    assert set(PROSE[page]) <= set(sections(page))


NAMED = {
    name
    for page in ROWS
    for held in (*ROWS[page].values(), PROSE[page])
    for tests in held.values()
    for name in tests
}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_named_test_is_there_with_its_case(name: str) -> None:
    function, _, case = name.rstrip("]").partition("[")
    holders = [source for source in SOURCES if f"def {function}(" in source]
    assert holders
    assert not case or any(f'"{case.rpartition(": ")[2]}": ' in source for source in holders)
