"""What a schema is on the wire: an object with fields of its own, or one value under a name of ours."""

from __future__ import annotations

from scaffold.spec import Field, Mapping, Record, Schema, Table, UserType, Value


def is_object(schema: Schema) -> bool:
    """Whether it is the body itself, and no value under `data` or `prediction`."""
    return isinstance(schema, (Record, Table, Mapping, UserType))


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the fields of the body."""
    match schema:
        case Record(fields=fields) | Table(columns=fields):
            return fields
        case UserType(seen=Record(fields=fields)):
            return fields
        case Value(field=field):
            return (field,)
        case _:
            return ()
