"""Python names for fields that may be called anything."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence
from functools import cache

# Names that mean something else in the body of a generated class: a field called so would hide them there.
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
def _taken() -> frozenset[str]:
    """Return the names that a field of a pydantic model cannot have."""
    from pydantic import BaseModel

    return _RESERVED | {"cls", "self", "match", "case", "type", "_"} | set(dir(BaseModel))


def attributes(names: Sequence[str]) -> list[str]:
    """Return an identifier for each of `names`, all different, each as close to its name as can be.

    A name that is a fit identifier stays as it is; so adding or removing one column leaves the
    attributes of the others alone, as long as no two of them are alike.
    """
    wanted = [identifier(name) for name in names]
    kept = {attribute for name, attribute in zip(names, wanted, strict=True) if name == attribute}
    used = set(kept)
    result = []
    for name, attribute in zip(names, wanted, strict=True):
        if name != attribute:
            attribute = _free(attribute, used)
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
    made = "_".join(words).strip("_") or "field"
    if made[0].isdigit() or not made.isidentifier() or made.startswith(("model_validate", "model_dump")):
        made = f"field_{made}"
    if len(made) > 60:
        made = made[:60].rstrip("_")
    return made if _is_fit(made) else f"{made}_"


def _is_fit(name: str) -> bool:
    """Whether a field of a model may be called so."""
    return (
        name.isidentifier()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not name.startswith(("_", "model_validate", "model_dump"))
        and name not in _taken()
        and len(name) <= 80
    )


def _free(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    count = 2
    while f"{name.rstrip('_')}_{count}" in used:
        count += 1
    return f"{name.rstrip('_')}_{count}"
