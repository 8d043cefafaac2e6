"""A project as one finds it: whole, whatever ended the last update."""

from __future__ import annotations

from pathlib import Path

from scaffold._checked import path_below


def settled(project: str | Path) -> Path:
    """Return the project's folder; an update that was killed on its way is finished or taken back first.

    Raises:
        ForeignChangeError: The update was not begun here. Nothing was done with it.
        UnsafePathError: It leads out of the project. Nothing was done with it.
        UpgradeError: It was taken back.
    """
    root = Path(project)
    if path_below(root, ".scaffold/update").is_dir():
        from scaffold.upgrade import finish_interrupted

        finish_interrupted(root)
    return root
