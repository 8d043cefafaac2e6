"""`undo`: take back the last update of a project."""

from __future__ import annotations

from pathlib import Path


def undo(project: str | Path) -> list[str]:
    """Take back the last update of a project and return the files that are as before again.

    Raises:
        UndoError: There was none, or a file of it was changed since.
    """
    from scaffold.upgrade import undo_change

    return undo_change(Path(project))
