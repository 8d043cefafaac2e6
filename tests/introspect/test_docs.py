"""`docs/samples.md` names the tests that hold what it says: each is there, with the case in brackets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = re.findall(r"`(test_\w+)(?:\[([^]`]+)\])?`", (HERE.parents[1] / "docs/samples.md").read_text())
SOURCES = [path.read_text() for path in HERE.glob("test_*.py")]


@pytest.mark.parametrize(("name", "case"), sorted(set(NAMED)))
def test_a_test_that_the_table_names_is_there(name: str, case: str) -> None:
    [source] = [text for text in SOURCES if f"def {name}(" in text]
    assert f'"{case.rpartition(": ")[2]}": ' in source or not case


def test_every_row_of_the_table_names_one() -> None:
    page = (HERE.parents[1] / "docs/samples.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    without = [row for row in rows if "`test_" not in row and "held by" not in row and "---" not in row]
    assert len(NAMED) > len(rows) > 30
    assert without == []
