"""Conflicts resolved with a merge tool."""

import sys
from pathlib import Path

import pytest

from scaffold.errors import CommandError
from scaffold.upgrade._content import Content
from scaffold.upgrade._tool import resolve_with_tool
from scaffold.upgrade._trees import merge_trees

BASE: dict[str, Content] = {"a.txt": b"one\n", "b.txt": b"one\n"}
OURS: dict[str, Content] = {"a.txt": b"mine\n", "b.txt": b"mine\n"}
THEIRS: dict[str, Content] = {"a.txt": b"new\n", "b.txt": b"new\n"}


def settle(tmp_path: Path, script: str) -> dict[str, bytes]:
    tool = tmp_path / "tool.py"
    tool.write_text(script)
    merged = merge_trees(BASE, THEIRS, OURS)
    command = f"{sys.executable} {tool} {{base}} {{ours}} {{theirs}} {{merged}}"
    return resolve_with_tool(command, merged)


def test_the_tool_is_given_the_three_versions_and_writes_the_merged_file(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n*sides, merged = map(Path, sys.argv[1:])\n"
        "assert '<<<<<<<' in merged.read_text()\n"
        "if merged.name.endswith('a.txt'):\n"
        "    merged.write_text(''.join(side.read_text() for side in sides))\n"
    )
    assert settle(tmp_path, script) == {"a.txt": b"one\nmine\nnew\n"}


def test_a_tool_that_fails_stops_the_update(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="exit status 3"):
        settle(tmp_path, "raise SystemExit(3)\n")
