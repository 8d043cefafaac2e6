"""Describe values of any kind, nested to any depth.

Several values are described together, which shows what may be null, which keys may be absent, and whether a
number may be a fraction.
"""

from __future__ import annotations

from collections.abc import Iterable

from scaffold.introspect import _scalars
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds._kind import Describer, Seen
from scaffold.introspect.kinds._records import either
from scaffold.spec import Missing, Optional, PythonType, Scalar, ScalarType, Schema

_ANY = Scalar(type=ScalarType.NULL)


def describe(seen: Seen) -> Schema:
    """Return the schema that takes all of the values in `seen`.

    Raises:
        UnsupportedSampleError: One of them is nothing that JSON can say.
    """
    markers = [_scalars.missing_marker(value) for _, value in seen]
    present = [pair for pair, marker in zip(seen, markers, strict=True) if marker is None]
    missing = {marker for marker in markers if marker is not None}
    if not present:
        return (
            Optional(of=_scalars.python(ScalarType.NUMBER, PythonType.FLOAT), missing=Missing.NAN)
            if missing == {Missing.NAN}
            else _ANY
        )
    described = either([describer(group, describe) for describer, group in _grouped(present)])
    if not missing:
        return described
    return Optional(of=described, missing=Missing.NONE if Missing.NONE in missing else missing.pop())


def _grouped(present: Seen) -> Iterable[tuple[Describer, Seen]]:
    """Sort values by the function that describes their kind, in the order of first sight."""
    groups: dict[Describer, Seen] = {}
    for path, value in present:
        groups.setdefault(kind_of(value).describer(path, value), []).append((path, value))
    return groups.items()
