"""What a run depends on: what is read by which model. A run goes on only where it is the same."""

import hashlib
from pathlib import Path
from typing import Any

from app.settings import MODEL_SHA256
from batch.files import BatchError

ROOT = Path(__file__).parents[1]


def model_facts() -> dict[str, str]:
    """Return what the answers depend on besides the input: the model and the code."""
    digest = hashlib.sha256()
    for folder in ("app", "batch"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes())
    return {"model": MODEL_SHA256, "code": digest.hexdigest()}


def require_same(out: str, before: dict[str, Any], facts: dict[str, Any]) -> None:
    """Compare the facts of a run with those of an earlier one.

    Raises:
        BatchError: They differ.
    """
    for name, value in facts.items():
        if before.get(name) != value:
            raise BatchError(
                f"{out} has answers of another run: {_difference(name, before, value)}\n"
                "Write elsewhere, or remove those first."
            )


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
