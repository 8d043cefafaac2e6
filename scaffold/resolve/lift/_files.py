"""The files and folders of lifted code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scaffold.spec import ModelFormat


def link_data_files(module: Path, folders: Sequence[Path]) -> None:
    """Link the data files of the script's folder beside its code, which may look for them there."""
    for folder in folders:
        if "site-packages" in folder.parts or not folder.is_dir():
            continue
        for entry in folder.iterdir():
            link = module.parent / entry.name
            if (
                entry.suffix not in (".py", ".pyc")
                and not entry.name.startswith((".", "__"))
                and not link.exists()
            ):
                with contextlib.suppress(OSError):
                    link.symlink_to(entry.resolve())


def save(value: Any, path: Path, format: ModelFormat) -> None:
    import cloudpickle

    match format:
        case ModelFormat.JOBLIB:
            import joblib

            joblib.dump(value, path)
        case ModelFormat.TORCH:
            import torch

            torch.save(value, path, pickle_module=cloudpickle)
        case _:
            with path.open("wb") as file:
                cloudpickle.dump(value, file)


@contextlib.contextmanager
def prepend_search_path(folders: Sequence[Path]) -> Iterator[None]:
    before = sys.path[:]
    entries = [*map(str, folders)]
    sys.path[:] = [*entries, *(entry for entry in before if entry not in entries)]
    try:
        yield
    finally:
        sys.path[:] = before
