"""Check the files of a model that is a folder, before a library loads it."""

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO


def checked_folder(file: BinaryIO, place: Path) -> str:
    """Return the folder in `place` with the files that `file` lists.

    Raises:
        ValueError: A file is missing, new or changed.
    """
    listed = json.load(file)["files"]
    folder = place / "files"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(there.symmetric_difference(listed)):
        raise ValueError(f"{name} of the model is missing, or is not listed in model.json")
    for name, sha256 in listed.items():
        if _sha256(folder / name) != sha256:
            raise ValueError(f"the sha256 of {name} is not the one in model.json")
    return str(folder)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class SpacyTexts:
    """A pipeline of spaCy whose prediction for a text is what `Doc.to_json` writes."""

    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        """Return entities, categories and tokens of each text."""
        return [doc.to_json() for doc in self._nlp.pipe(texts)]
