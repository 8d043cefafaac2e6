"""Quantities of Kubernetes in YAML: `cpu: 1` and `cpu: "1"` are the same."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_QUANTITY = re.compile(
    r"(?P<key>\s*(?:- )?(?:(?:target_)?cpu(?:_limit)?|memory(?:_limit)?|ephemeral[-_]storage|storage"
    r"|sizeLimit|averageValue|[a-z0-9.-]+/gpu):\s+)"
    r"(?P<quote>[\"']?)(?P<value>[0-9][0-9.]*[A-Za-z]{0,2})(?P=quote)(?P<rest>\s*(?:#.*)?)",
    re.DOTALL,
)


def with_spelling_of(text: str, model: str) -> str:
    """Return YAML whose quantities have or have no quotes, as in the lines of `model` that mean the same.

    Args:
        text: The YAML.
        model: Another version of it.
    """
    lines, model_lines = text.splitlines(keepends=True), model.splitlines(keepends=True)
    plain = [[_unquoted(line) for line in each] for each in (lines, model_lines)]
    matcher = SequenceMatcher(None, plain[0], plain[1], autojunk=False)
    for first, model_start, count in matcher.get_matching_blocks():
        lines[first : first + count] = model_lines[model_start : model_start + count]
    return "".join(lines)


def _unquoted(line: str) -> str:
    match = _QUANTITY.fullmatch(line)
    return f"{match['key']}{match['value']}{match['rest']}" if match else line
