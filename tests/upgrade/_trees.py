"""Trees of text files, and unified diffs between them."""

import difflib
import re
from pathlib import Path

from scaffold.upgrade import Content

Tree = dict[str, str]


def read_text(path: Path) -> str:
    """Return the text of a file with the line ends that it has."""
    return path.read_bytes().decode()


def read_tree(root: Path) -> Tree:
    return {path.relative_to(root).as_posix(): read_text(path) for path in root.rglob("*") if path.is_file()}


def patched(tree: Tree, patch: str) -> Tree:
    """Return the tree after a unified diff, which must apply exactly."""
    changed = dict(tree)
    for part in re.split(r"(?m)^--- ", patch)[1:]:
        old, new, *lines = part.splitlines(keepends=True)
        before, after = (name.strip().partition("/")[2] for name in (old, new.removeprefix("+++ ")))
        source = tree[before].splitlines(keepends=True) if old.strip() != "/dev/null" else []
        result: list[str] = []
        at = 0
        for line in lines:
            if hunk := re.match(r"@@ -(\d+)(?:,(\d+))? ", line):
                start = int(hunk[1]) - (0 if hunk[2] == "0" else 1)
                result += source[at:start]
                at = start
            elif line[0] == "+":
                result.append(line[1:])
            else:
                assert source[at] == line[1:], (before, line)
                at += 1
                result += [line[1:]] if line[0] == " " else []
        result += source[at:]
        if new.strip() == "+++ /dev/null":
            del changed[before]
        else:
            changed[after] = "".join(result)
    return changed


def diff(before: Tree, after: Tree) -> str:
    """Return a unified diff of two trees, with two lines of context."""
    lines: list[str] = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            old, new = (
                f"{side}/{path}" if path in tree else "/dev/null"
                for side, tree in (("a", before), ("b", after))
            )
            one, two = (tree.get(path, "").splitlines(keepends=True) for tree in (before, after))
            lines += difflib.unified_diff(one, two, old, new, n=2)
    return "".join(lines)


def encoded(tree: Tree) -> dict[str, Content]:
    return {path: text.encode() for path, text in tree.items()}
