"""A project as one finds it: whole, whatever ended the last update."""

from __future__ import annotations

from pathlib import Path


def settled(project: str | Path) -> Path:
    """Return the project's folder; an update that was killed on its way is finished or taken back first."""
    root = Path(project)
    if (root / ".scaffold" / "update").is_dir():
        from scaffold.upgrade import finish_interrupted

        finish_interrupted(root)
    return root
