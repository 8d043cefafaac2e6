"""Describe values of any kind, nested to any depth.

Several values are described together, to find out which values may be null, which keys may be absent, and
which numbers may have a fraction.
"""

from __future__ import annotations

from collections.abc import Iterable

from scaffold.introspect import _scalars
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds._kind import Describer, PathValues
from scaffold.introspect.kinds._records import either
from scaffold.spec import Missing, Optional, PythonType, Scalar, ScalarType, Schema

_ANY = Scalar(type=ScalarType.NULL)


def describe(pairs: PathValues) -> Schema:
    """Return the schema that takes all of the values in `pairs`.

    Raises:
        UnsupportedSampleError: JSON cannot represent one of them.
    """
    markers = [_scalars.missing_marker(value) for _, value in pairs]
    present = [pair for pair, marker in zip(pairs, markers, strict=True) if marker is None]
    missing = {marker for marker in markers if marker is not None}
    if not present:
        return (
            Optional(of=_scalars.python(ScalarType.NUMBER, PythonType.FLOAT), missing=Missing.NAN)
            if missing == {Missing.NAN}
            else _ANY
        )
    described = either([describer(group, describe) for describer, group in _group_by_describer(present)])
    if not missing:
        return described
    return Optional(of=described, missing=Missing.NONE if Missing.NONE in missing else missing.pop())


def _group_by_describer(present: PathValues) -> Iterable[tuple[Describer, PathValues]]:
    """Group the values by the function that describes them, in the order of first occurrence."""
    groups: dict[Describer, PathValues] = {}
    for path, value in present:
        groups.setdefault(kind_of(value).describer(path, value), []).append((path, value))
    return groups.items()
