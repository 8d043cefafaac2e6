"""A cache of blobs and small facts between builds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.errors import CacheFolderError
from scaffold.image._disk import needs_room

_KEPT_DAYS = 30


class Store:
    """A folder of blobs by digest and of facts by key; entries unused for a month are removed."""

    def __init__(self, root: Path | None = None) -> None:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self.root = root or Path(cache) / "model-scaffold" / "images"
        try:
            for name in ("blobs", "facts", "work"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CacheFolderError(str(self.root), error.strerror or str(error)) from error

    def blob(self, digest: str) -> Path:
        """Return the path of the blob, which may not exist."""
        path = self.root / "blobs" / digest.rpartition(":")[2]
        with contextlib.suppress(OSError):
            os.utime(path)
        return path

    def keep(self, file: Path, digest: str) -> Path:
        """Move a finished blob file into the store."""
        path = self.blob(digest)
        file.replace(path)
        return path

    def fact(self, key: str) -> Any:
        """Return the fact stored under `key`, or None."""
        path = self._fact(key)
        try:
            value = json.loads(path.read_text("utf-8"))
            os.utime(path)
        except (OSError, ValueError):
            return None
        return value

    def remember(self, key: str, fact: Any) -> None:
        """Store `fact`, a JSON value, under `key`."""
        with self.folder() as folder:
            temporary = folder / "fact"
            temporary.write_text(json.dumps(fact), "utf-8")
            temporary.replace(self._fact(key))

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a temporary folder on the file system of the blobs, so that moving a file is a rename.

        Raises:
            DiskFullError: The disk is full.
        """
        with needs_room(self.root):
            # It is also removed at the exit of this process, where a signal comes before the thread starts.
            temporary = tempfile.TemporaryDirectory(dir=self.root / "work", ignore_cleanup_errors=True)
            try:
                yield Path(temporary.name)
            finally:
                # Deleting thousands of files is slow: the build does not wait for it.
                threading.Thread(target=temporary.cleanup).start()

    def tidy(self) -> None:
        """Remove entries that no build has used for a month."""
        oldest = time.time() - _KEPT_DAYS * 86400
        for path in (*self.root.glob("blobs/*"), *self.root.glob("facts/*")):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
        yesterday = time.time() - 86400
        for path in self.root.glob("work/*"):  # left by a process that was killed
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < yesterday:
                    shutil.rmtree(path)

    def _fact(self, key: str) -> Path:
        return self.root / "facts" / hashlib.sha256(key.encode()).hexdigest()
