"""Open the model file, once its hash is checked."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_model(path: Path, sha256: str) -> Iterator[BinaryIO]:
    """Open the file whose content was hashed. ValueError if its sha256 is another one."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        if (found := digest.hexdigest()) != sha256:
            raise ValueError(f"the sha256 of {path.name} is {found}, and not {sha256} as expected")
        file.seek(0)
        yield file
