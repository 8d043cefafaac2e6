"""Check strings from the worker that become source code: only names and types are allowed."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from scaffold.base.codec import CodecError

_IN_SOURCE = frozenset(
    {"attribute", "estimator", "inputs", "matrix", "method", "module", "outputs", "qualname", "scalar"}
)
"""Fields of a signature that are written into generated code unquoted."""
_WORDS = re.compile(r"[^\n\r\"'\\#;()]*")


def require_plain(value: Any) -> None:
    """Check that the parts of a signature that become source code are names and types only.

    Raises:
        CodecError: One has other characters.
    """
    if isinstance(value, tuple):
        for item in value:
            require_plain(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            content = getattr(value, field.name)
            for text in content if isinstance(content, tuple) else (content,):
                if field.name in _IN_SOURCE and isinstance(text, str) and not _WORDS.fullmatch(text):
                    raise CodecError(f"a {field.name} that is none: {text[:80]!r}")
            require_plain(content)
