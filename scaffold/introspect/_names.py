"""Python identifiers for field names, which may be any text."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence
from functools import cache

# Names with another meaning in the body of a generated class: a field of that name would shadow them.
_RESERVED = frozenset(
    """
    bool int float str bytes list dict tuple set frozenset deque date datetime time timedelta UUID Decimal
    Any Annotated Literal Field ConfigDict BaseModel RootModel ModelInput ModelOutput Strict Open Row Plane
    Volume Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float16 BFloat16 Float32 Date Datetime
    ZonedDatetime NanoDatetime NanoZonedDatetime NanoTimedelta Exact AwareDatetime NaiveDatetime
    Base64 Image PIL
    """.split()  # noqa: SIM905
)


@cache
def _forbidden_names() -> frozenset[str]:
    """Return the names that a field of a pydantic model cannot have."""
    from pydantic import BaseModel

    return _RESERVED | {"cls", "self", "match", "case", "type", "_"} | set(dir(BaseModel))


def attributes(names: Sequence[str]) -> list[str]:
    """Return a unique identifier for each of `names`, as similar to the name as possible.

    A valid identifier is unchanged, so adding or removing a column does not change the attributes of the
    other columns unless two names become the same identifier.
    """
    identifiers = [identifier(name) for name in names]
    unchanged = {attribute for name, attribute in zip(names, identifiers, strict=True) if name == attribute}
    used = set(unchanged)
    result = []
    for name, attribute in zip(names, identifiers, strict=True):
        if name != attribute:
            attribute = _unused_name(attribute, used)
            used.add(attribute)
        result.append(attribute)
    return result


def identifier(name: str) -> str:
    """Return `name` as a public identifier: `"sepal length (cm)"` is `sepal_length_cm`."""
    if _is_fit(name):
        return name
    text = unicodedata.normalize("NFKC", name).strip()
    text = text.replace("%", " percent ").replace("°", " deg ").replace("#", " number ").replace("&", " and ")
    words = "".join(c if c == "_" or f"_{c}".isidentifier() else " " for c in text).split()
    result = "_".join(words).strip("_") or "field"
    if (
        result[0].isdigit()
        or not result.isidentifier()
        or result.startswith(("model_validate", "model_dump"))
    ):
        result = f"field_{result}"
    if len(result) > 60:
        result = result[:60].rstrip("_")
    return result if _is_fit(result) else f"{result}_"


def _is_fit(name: str) -> bool:
    """Whether a field of a pydantic model may have this name."""
    return (
        name.isidentifier()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not name.startswith(("_", "model_validate", "model_dump"))
        and name not in _forbidden_names()
        and len(name) <= 80
    )


def _unused_name(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    count = 2
    while f"{name.rstrip('_')}_{count}" in used:
        count += 1
    return f"{name.rstrip('_')}_{count}"
