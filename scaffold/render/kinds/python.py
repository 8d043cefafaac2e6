"""Python's own values, lists and dicts, and classes of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.render._code import Imports, Node, each
from scaffold.render.kinds._kind import Kind, Line
from scaffold.spec import (
    ClassKind,
    Collection,
    CollectionType,
    List,
    Scalar,
    ScalarType,
    Schema,
    Table,
    UserType,
)

if TYPE_CHECKING:
    from scaffold.render._source._frames import Batch

_CLASSES = {
    ClassKind.PYDANTIC: Line(
        place=10,
        names=(("pydantic", "BaseModel"),),
        text="""    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True)""",
    ),
    ClassKind.NAMEDTUPLE: Line(
        place=20,
        text="""    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()""",
    ),
    ClassKind.DATACLASS: Line(
        place=30,
        names=(("dataclasses", "fields"), ("dataclasses", "is_dataclass")),
        text="""    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}""",
    ),
    ClassKind.ENUM: Line(
        place=40,
        names=(("enum", "Enum"),),
        text="""    if isinstance(value, Enum):
        return value.value""",
    ),
}
_BYTES = Line(
    place=60,
    names=(("base64", "b64encode"),),
    text="""    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()""",
)
_SET = Line(
    place=210,
    text="""    if isinstance(value, set | frozenset):  # its order is another in each process
        value = sorted(map(_plain, value), key=str)""",
)
_SETS = (CollectionType.SET, CollectionType.FROZENSET)


class PythonKind(Kind):
    """Python itself."""

    is_list = True

    def annotation(self, imports: Imports) -> str:
        """Return the type of a list of dicts."""
        imports.take("typing", "Any")
        return "list[dict[str, Any]]"

    def table(self, batch: Batch, table: Table) -> Node:
        """Return a list of dicts."""
        return each(batch.values.mapping(table.columns, batch.row), batch.variable, batch.rows)

    def lines(self, schema: Schema) -> Iterator[Line]:
        """Yield the lines for objects and sets."""
        match schema:
            case UserType(kind=kind):
                yield _CLASSES[kind]
            case List(form=Collection(of=of)) if of in _SETS:
                yield _SET
            case _:
                return

    def scalar_lines(self, scalar: Scalar) -> Iterator[Line]:
        """Yield the line for bytes."""
        if scalar.type is ScalarType.BYTES:
            yield _BYTES
