"""A clear error for a full disk."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from scaffold.errors import DiskFullError


@contextlib.contextmanager
def needs_room(folder: Path) -> Iterator[None]:
    """Run a block that writes below `folder`.

    Raises:
        DiskFullError: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(str(folder), error.strerror or "full") from error
        raise
