"""Describe values that are no table: scalars, dicts, lists, objects, nested to any depth.

Several values are described at once, for together they say more than each: what may be null, which keys
may be absent, whether a number may be a fraction.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _kinds, _scalars
from scaffold.introspect._aliases import are_answers, by_input_alias, input_aliases
from scaffold.introspect._evidence import evidence
from scaffold.introspect._examples import example
from scaffold.introspect._names import attributes
from scaffold.introspect._plausible import made_up
from scaffold.spec import (
    ClassKind,
    Collection,
    CollectionType,
    Either,
    Field,
    JSONValue,
    List,
    Missing,
    Optional,
    Picture,
    PythonType,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Tuple,
    UserType,
    Void,
)

Seen = list[tuple[str, Any]]
"""Values with the path to each inside the sample: `$.items[2].price`."""

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
    described = _either([describer(group) for describer, group in _grouped(present)])
    if not missing:
        return described
    return Optional(of=described, missing=Missing.NONE if Missing.NONE in missing else missing.pop())


Describer = Callable[[Seen], Schema]


def _grouped(present: Seen) -> Iterable[tuple[Describer, Seen]]:
    """Sort values by the function that describes their kind, in the order of first sight."""
    groups: dict[Describer, Seen] = {}
    for path, value in present:
        groups.setdefault(_describer(path, value), []).append((path, value))
    return groups.items()


def _either(kinds: Sequence[Schema]) -> Schema:
    flat = [part for kind in kinds for part in (kind.of if isinstance(kind, Either) else (kind,))]
    return flat[0] if len(flat) == 1 else Either(of=tuple(flat))


def _describer(path: str, value: Any) -> Describer:
    """Return the function that describes values of this kind."""
    if isinstance(value, enum.Enum):
        return _user_type
    if _kinds.kin(value, "PIL.Image"):
        return _picture
    if _kinds.is_frame(value) or (_kinds.is_structured(value) and len(value.shape) == 1):
        return _frames
    if _kinds.is_structured(value) and not value.shape:
        return _structured
    if _kinds.is_array(value):
        return _arrays
    if _kinds.is_pydantic(value) or _kinds.is_dataclass(value) or _kinds.is_named_tuple(value):
        return _user_type
    if _kinds.is_series(value):
        return _series
    if _kinds.is_mapping(value):
        return _mapping
    if isinstance(value, tuple):
        return _tuple
    if isinstance(value, (set, frozenset)) or _kinds.is_sequence(value):
        return _sequence
    if _scalars.of_value(value) is not None:
        return _scalar
    raise UnsupportedSampleError(path, f"{type(value).__qualname__} is not JSON")


def _scalar(seen: Seen) -> Schema:
    """Return one scalar for all, integers among fractions being fractions; else one of several."""
    kinds: dict[Scalar, None] = {}
    for path, value in seen:
        found = _scalars.of_value(value)
        if found is None:
            raise UnsupportedSampleError(path, f"{type(value).__qualname__} is not JSON")
        kinds.setdefault(found)
    types = {kind.type for kind in kinds}
    if types == {ScalarType.INTEGER, ScalarType.NUMBER}:
        kinds = {kind: None for kind in kinds if kind.type is ScalarType.NUMBER}
    return _either(list(kinds)[:1] if len({kind.type for kind in kinds}) == 1 else list(kinds))


def _mapping(seen: Seen) -> Schema:
    """Return a record with the union of the keys; one that some lack may be left out."""
    by_label: dict[Any, Seen] = {}
    for path, value in seen:
        for label, item in value.items():
            by_label.setdefault(label, []).append((f"{path}.{label}", item))
    names = [str(label) for label in by_label]
    _refuse_twins(names, seen[0][0])
    fields = (
        field(
            name,
            attribute,
            items,
            rows=len(seen),
            label="" if isinstance(label, str) else literal(label, seen[0][0]),
        )
        for name, attribute, (label, items) in zip(names, attributes(names), by_label.items(), strict=True)
    )
    return Record(fields=tuple(fields))


def field(name: str, attribute: str, items: Seen, *, rows: int, label: str = "") -> Field:
    """Return the field that holds `items`, one for each of `rows` records that has it."""
    schema = describe(items)
    values = [value for _, value in items if _scalars.missing_marker(value) is None]
    leaves = leaves_of(values)
    return Field(
        name=name,
        attribute=attribute,
        schema=schema,
        label=label,
        required=len(items) == rows,
        example=example(schema, leaves),
        evidence=evidence(
            schema, leaves, missing=len(items) - len(values), rows=rows, absent=rows - len(items)
        ),
    )


def literal(label: Any, path: str) -> str:
    """Return a name that is no text as the Python that makes it.

    Raises:
        UnsupportedSampleError: It is made of something else than numbers, texts and `None`.
    """
    if _kinds.kin(label, "numpy.generic"):
        return literal(label.item(), path)
    if label is None or isinstance(label, (bool, int, float, str)):
        return repr(label)
    if _kinds.kin(label, "pandas.Timestamp"):
        return f'pd.Timestamp("{label.isoformat()}")'
    if isinstance(label, tuple):
        return f"({', '.join(literal(part, path) for part in label)}{',' if len(label) == 1 else ''})"
    raise UnsupportedSampleError(path, f"a name that is a {type(label).__qualname__} cannot be written down")


def _refuse_twins(names: Sequence[str], path: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UnsupportedSampleError(
                path, f"two names are the same as text: {name!r}", "Rename one of them."
            )


def leaves_of(values: Sequence[Any]) -> list[Any]:
    """Return the values themselves, or the innermost ones of lists and arrays of one kind."""
    leaves: list[Any] = []
    for value in values:
        if type(value) in (str, int, bool):
            leaves.append(value)
        elif _kinds.is_array(value) or _kinds.is_series(value):
            listed = value.toarray() if _kinds.is_sparse(value) else value
            leaves += leaves_of(
                [listed.to_list() if _kinds.kin(listed, "polars.Series") else listed.tolist()]
            )
        elif isinstance(value, (set, frozenset)) or _kinds.is_sequence(value):
            leaves += leaves_of(list(value))
        elif _scalars.missing_marker(value) is None:
            leaves.append(value.item() if _kinds.kin(value, "numpy.number", "numpy.bool") else value)
    return leaves


_LISTS = {list: CollectionType.LIST, set: CollectionType.SET, frozenset: CollectionType.FROZENSET}


def _sequence(seen: Seen) -> Schema:
    items = [(f"{path}[{i}]", item) for path, value in seen for i, item in enumerate(value)]
    alike = (of for cls, of in _LISTS.items() if all(isinstance(v, cls) for _, v in seen))
    of = next(alike, CollectionType.LIST)
    if all(_kinds.kin(value, "collections.deque") for _, value in seen):
        of = CollectionType.DEQUE
    return List(items=describe(items), form=Collection(of))


def _tuple(seen: Seen) -> Schema:
    """Return a type for each place, or a list where the lengths differ."""
    lengths = {len(value) for _, value in seen}
    places = [[(f"{path}[{i}]", value[i]) for path, value in seen] for i in range(min(lengths))]
    if len(lengths) == 1:
        return Tuple(items=tuple(describe(place) for place in places))
    items = [(f"{path}[{i}]", item) for path, value in seen for i, item in enumerate(value)]
    return List(items=describe(items), form=Collection(CollectionType.TUPLE))


def _picture(_: Seen) -> Schema:
    return Picture()


def _arrays(seen: Seen) -> Schema:
    from scaffold.introspect._arrays import describe_array

    found = list(dict.fromkeys(describe_array(value, path) for path, value in seen))
    return _either(list(found))


def _series(seen: Seen) -> Schema:
    """Return an object where the index holds names, else a list."""
    from scaffold.introspect._frames import describe_row, describe_values

    if all(_kinds.is_named_series(value) for _, value in seen):
        return describe_row(seen)
    return describe_values(seen)


def _frames(seen: Seen) -> Schema:
    """Return lists of rows; frames of other columns are another kind."""
    from scaffold.introspect._frames import describe_table

    tables = dict.fromkeys(describe_table(value, path) for path, value in seen)
    return _either([List(items=table) for table in tables])


def _structured(seen: Seen) -> Schema:
    record = _mapping([(path, dict(zip(value.dtype.names, value, strict=True))) for path, value in seen])
    assert isinstance(record, Record)
    return dataclasses.replace(record, form=Void())


def _user_type(seen: Seen) -> Schema:
    """Return the user's own class, or one of several."""
    by_class: dict[type, Seen] = {}
    for path, value in seen:
        by_class.setdefault(type(value), []).append((path, value))
    return _either([_one_user_type(cls, group) for cls, group in by_class.items()])


def _one_user_type(cls: type, seen: Seen) -> Schema:
    path, value = seen[0]
    if isinstance(value, enum.Enum):
        kind, inner = ClassKind.ENUM, describe([(p, v.value) for p, v in seen])
        members = list(type(value))
        likely: JSONValue = to_jsonable_python(members[len(members) // 2].value, fallback=str)
    else:
        kind = _class_kind(value)
        inner = _with_attributes(cls, _mapping([(p, fields_of(v)) for p, v in seen]))
        likely = example(inner)
    module = sys.modules.get(cls.__module__)
    if "<locals>" in cls.__qualname__ or module is None:
        raise UnsupportedSampleError(
            path, f"{cls.__qualname__} is defined inside a function", "Define it in a module."
        )
    shown = None if are_answers() else made_up(cls, likely, strict=kind in STRICT)
    return UserType(module=cls.__module__, qualname=cls.__qualname__, kind=kind, seen=inner, example=shown)


STRICT = (ClassKind.DATACLASS, ClassKind.NAMEDTUPLE)
"""Classes that the service checks strictly; a pydantic model keeps its own rules."""


def _class_kind(value: Any) -> ClassKind:
    if _kinds.is_pydantic(value):
        return ClassKind.PYDANTIC
    return ClassKind.DATACLASS if _kinds.is_dataclass(value) else ClassKind.NAMEDTUPLE


def _with_attributes(cls: type, record: Schema) -> Schema:
    """Return the record of a class with the attributes of the fields that go by an alias."""
    assert isinstance(record, Record)
    if are_answers():
        return record
    attribute = {alias: name for name, alias in input_aliases(cls).items() if isinstance(alias, str)}
    fields = tuple(
        dataclasses.replace(f, label=repr(attribute[f.name])) if f.name in attribute else f
        for f in record.fields
    )
    return dataclasses.replace(record, fields=fields)


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, pydantic model or named tuple, by their names on the wire.

    A pydantic model takes its validation aliases and answers with its serialization aliases.
    """
    if _kinds.is_named_tuple(value):
        return dict(value._asdict())
    if _kinds.is_pydantic(value):
        if are_answers():
            return dict(value.model_dump(by_alias=True))
        found = {name: getattr(value, name) for name in type(value).model_fields}
        return by_input_alias(type(value), found) | (value.model_extra or {})
    if are_answers():
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    given = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    return by_input_alias(type(value), given)
