"""Where the templates are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def template_path(name: str) -> Path:
    """Return the folder of the template `name`: inside the installed package, or in a checkout."""
    packaged = Path(str(files("scaffold"))) / "_templates" / name
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates" / name
