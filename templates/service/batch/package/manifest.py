"""The manifest of a run: what was read by which model, and which parts are done.

It may be older than the parts: a part that is done and not in it is scored again and written over,
with the same rows.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from app.settings import MODEL_SHA256
from batch.files import BatchError, Folder
from batch.values import Done

ROOT = Path(__file__).parents[1]
WRITE_S = 2.0  # between two versions of the manifest


class Manifest:
    """The file `manifest.json` of an output, or `manifest-2-of-8.json` of a share of it."""

    def __init__(self, out: Folder, name: str, facts: dict[str, Any]) -> None:
        self._out, self._name = out, name
        self._facts = json.loads(json.dumps(facts))
        self.done: dict[int, Done] = {}
        self.is_complete = False
        self._written = 0.0

    def read(self) -> None:
        """Read what an earlier run wrote, if there is something, and what other shares wrote.

        Raises:
            BatchError: One of them had another input, model or option.
        """
        for name in self._out.names("manifest*.json"):
            before = json.loads(self._out.read(name) or b"{}")
            self._require_same(before.get("facts", self._facts))
            if name == self._name and before:
                self.done = {number: Done(number, *counts) for number, *counts in before["done"]}
                self.is_complete = before["complete"]

    def _require_same(self, before: dict[str, Any]) -> None:
        for name, value in self._facts.items():
            if before.get(name) != value:
                raise BatchError(
                    f"{self._out.url} has answers of another run: "
                    f"{_difference(name, before, value)}\n"
                    "Write to another folder, or remove this one first."
                )

    def add(self, part: Done) -> None:
        """Note a part that is done."""
        self.done[part.number] = part
        if time.monotonic() - self._written > WRITE_S:
            self.write()

    def write(self, *, complete: bool = False) -> None:
        """Write the file."""
        done = [
            [part.number, part.scored, part.rejected, part.size]
            for _, part in sorted(self.done.items())
        ]
        document = {"facts": self._facts, "complete": complete, "done": done}
        self._out.write(self._name, json.dumps(document).encode())
        self._written = time.monotonic()


def model_facts() -> dict[str, str]:
    """Return what the answers depend on besides the input: the model and the code."""
    digest = hashlib.sha256()
    for folder in ("app", "batch"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes())
    return {"model": MODEL_SHA256, "code": digest.hexdigest()}


def _difference(name: str, before: dict[str, Any], value: Any) -> str:
    if name == "input":
        old = {each[0]: each for each in before.get("input", ()) if isinstance(each, list)}
        changed = [each[0] for each in value if isinstance(each, list) and old.get(each[0]) != each]
        return f"the input has changed{': ' + ', '.join(map(str, changed[:3])) if changed else ''}."
    if name == "model":
        return f"the model was {str(before.get('model'))[:12]}, it is {str(value)[:12]} now."
    if name == "code":
        return "the code in app/ or batch/ has changed."
    return f"{name} was {before.get(name)!r}, it is {value!r} now."
