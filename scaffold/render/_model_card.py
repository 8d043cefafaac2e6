"""The full model card, by answer: its sections, `model/card.json`, and `app/card.py`, which serves it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from scaffold.base.layout import CARD_CODE, CARD_JSON
from scaffold.base.schema_words import schema_words
from scaffold.base.templates import template_path
from scaffold.base.urls import without_credentials
from scaffold.render._knobs import read_flag
from scaffold.render._source._shapes import fields_of
from scaffold.spec import (
    JSONValue,
    Optional,
    Origin,
    ProjectSpec,
    Scalar,
    Schema,
    description_of,
)

_IMPORT = "from app.card import add_card\n"
_ADDED = "\n\nadd_card(app)\n"
_MOST_FIELDS = 50
"""How many fields a table of the card has; `app/schemas.py` has them all."""
_CHECKS = ("each row alone, and rows together in a batch", "in any order, and from many callers at once")
"""What the proof compares."""


def model_card_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the lines of `main.py` and of `model/README.md`; empty lines without the answer.

    Raises:
        InvalidAnswerError: The answer is neither true nor false.
    """
    has_card = read_flag("card", spec.answers)
    metrics = spec.origin.metrics if has_card and spec.origin else ()
    return {
        "card": has_card,
        "card_import": _IMPORT if has_card else "",
        "card_added": _ADDED if has_card else "",
        "card_input": _field_rows(spec.signature.input, "data") if has_card else [],
        "card_output": _field_rows(spec.signature.output, "prediction") if has_card else [],
        "card_metrics": [f"| {code_cell(name)} | {code_cell(value)} |" for name, value in metrics],
        "card_proof": proof_words(spec) if has_card else "",
    }


def model_card_files(spec: ProjectSpec, made_from: str) -> dict[str, bytes]:
    """Return `model/card.json` and `app/card.py` by path; none without the answer.

    Args:
        spec: The project.
        made_from: The source of the model as the card names it, without credentials.
    """
    if not read_flag("card", spec.answers):
        return {}
    card = json.dumps(_facts(spec, made_from), ensure_ascii=False, indent=2, allow_nan=False)
    code = (template_path("service") / "card" / "card.py").read_bytes()
    return {CARD_JSON: f"{card}\n".encode(), CARD_CODE: code}


def proof_words(spec: ProjectSpec) -> str:
    """Return what `new` and `update` compare, in lines of Markdown."""
    count = len(spec.recording.requests)
    rows = "one row" if count == 1 else f"{count} rows"
    return f"""\
The sample of the model's input has {rows}. `scaffold new` and `scaffold update` install the
service in an environment of its own and compare its answers with those of the model:

- {_CHECKS[0]},
- {_CHECKS[1]}.

An answer that differs stops them, unless the proof is skipped by `--no-verify`.
`tests/test_service.py` sends the same rows again, from `tests/recorded.json`.
"""


def code_cell(value: str) -> str:
    """Return text of somebody else's as code in a cell of a table."""
    code = value.replace("`", "'").replace("|", "\\|")
    return f"`{' '.join(code.split())}`"


def _field_rows(schema: Schema, whole: str) -> list[str]:
    """Return a row for each field: its name, its type, and what the sample and the model say of it.

    Args:
        schema: Of a record, or of the answer to one.
        whole: The name of a value that is no object.
    """
    fields = fields_of(schema)
    if not fields:
        return [f"| `{whole}` | {cell(_type_words(schema))} | |"]
    rows = [
        f"| {code_cell(field.name)} | {cell(_type_words(field.schema))}"
        f" | {cell(description_of(field.evidence))} |".replace("|  |", "| |")
        for field in fields[:_MOST_FIELDS]
    ]
    more = len(fields) - _MOST_FIELDS
    return [*rows, f"| and {more:,} more | | `app/schemas.py` has them all |"] if more > 0 else rows


def _type_words(schema: Schema) -> str:
    """Return the type of a field, with the limits that an annotation gives: `integer, ge 0`."""
    inner = schema.of if isinstance(schema, Optional) else schema
    limits = inner.constraints if isinstance(inner, Scalar) else ()
    words = schema_words(schema)
    words = words if words.startswith("one of ") else words.removeprefix("one ")
    return ", ".join([words, *(f"{name} {value}" for name, value in limits)])


def cell(text: str) -> str:
    """Return the text as a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _facts(spec: ProjectSpec, made_from: str) -> dict[str, JSONValue]:
    """Return what `model/card.json` holds."""
    artifact, call, dependencies = spec.artifact, spec.signature.call, spec.dependencies
    requirements = [(str(line), line.reason) for line in dependencies.requirements if line.serves == "model"]
    return {
        "name": spec.name,
        "version": spec.version,
        "format": artifact.format.value,
        "compression": artifact.compression,
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "made_from": made_from,
        "written": artifact.written or None,
        "python": dependencies.python,
        "call": {"method": call.method, "reason": call.evidence},
        "source": _source(spec.origin),
        "parameters": _values(spec.origin.params if spec.origin else ()),
        "metrics": _values(spec.origin.metrics if spec.origin else ()),
        "tags": _values(spec.origin.tags if spec.origin else ()),
        "proof": {
            "rows": len(spec.recording.requests),
            "compared": list(_CHECKS),
            "recorded": "tests/recorded.json",
            "test": "tests/test_service.py",
        },
        "requirements": _with_reasons(requirements),
        "system_packages": _with_reasons([(each.name, each.reason) for each in dependencies.system]),
        "code": _with_reasons([(each.path, each.reason) for each in dependencies.sources]),
        "notes": [*spec.signature.notes, *dependencies.notes],
    }


def _source(origin: Origin | None) -> dict[str, JSONValue]:
    if origin is None:
        return {}
    names = ("uri", "server", "version", "run", "revision", "sha256")
    values = {name: without_credentials(getattr(origin, name)) for name in names}
    return {name: value for name, value in values.items() if value}


def _values(pairs: Sequence[tuple[str, str]]) -> dict[str, JSONValue]:
    """Return the values by name, numbers as numbers."""
    return {name: _number(value) for name, value in pairs}


def _number(text: str) -> JSONValue:
    try:
        number = json.loads(text)
    except ValueError:
        number = None
    is_number = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    return number if is_number else without_credentials(text)


def _with_reasons(pairs: Sequence[tuple[str, str]]) -> list[JSONValue]:
    return [{"name": name, "reason": reason} for name, reason in pairs]
