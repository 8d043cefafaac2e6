"""Edits of an owner."""

from pathlib import Path


def edit(root: Path, path: str, *pairs: tuple[str, str]) -> None:
    """Replace texts that each stand once in the file."""
    text = (root / path).read_text()
    for old, new in pairs:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    (root / path).write_text(text)
