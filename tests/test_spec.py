"""The values of a schema: their children, the wording of evidence, and invalid JSON."""

from __future__ import annotations

import typing

import pytest

from scaffold import spec
from scaffold.base.codec import CodecError, decode, encode
from scaffold.spec import (
    AskedFor,
    Either,
    Element,
    Evidence,
    Field,
    KnownTo,
    Limits,
    List,
    Mapping,
    Native,
    Numpy,
    Optional,
    Pandas,
    Record,
    Scalar,
    ScalarType,
    Schema,
    SeenLabels,
    SeenLengths,
    SeenRange,
    Sparse,
    Table,
    Tensor,
    TextOf,
    Tuple,
    Value,
    children,
    map_children,
    words_of,
)

ASKED, WHOLE = "May be null, as was asked.", "Whole in every row, a number with a fraction in the model."
NUMBER = Scalar(type=ScalarType.NUMBER, native=Element("float64", Numpy()))
TEXT = Scalar(type=ScalarType.STRING)
FIELD = Field(name="a", attribute="a", schema=NUMBER, evidence=Evidence(rows=3, seen=SeenRange("1", "2")))
NESTED: tuple[tuple[Schema, tuple[Schema, ...]], ...] = (
    (Optional(of=NUMBER), (NUMBER,)),
    (Either(of=(NUMBER, TEXT)), (NUMBER, TEXT)),
    (List(items=TEXT), (TEXT,)),
    (Tuple(items=(TEXT, NUMBER)), (TEXT, NUMBER)),
    (Mapping(values=NUMBER), (NUMBER,)),
    (Record(fields=(FIELD,)), (NUMBER,)),
    (Table(columns=(FIELD, FIELD), container=Pandas()), (NUMBER, NUMBER)),
    (Tensor(shape=(2,), dtype="float64", items=NUMBER, container=Sparse("csr_matrix")), (NUMBER,)),
    (Value(field=FIELD), (NUMBER,)),
    (NUMBER, ()),
)


@pytest.mark.parametrize(("schema", "inner"), NESTED)
def test_a_map_changes_the_children_and_nothing_else(schema: Schema, inner: tuple[Schema, ...]) -> None:
    assert children(schema) == inner
    assert map_children(schema, lambda child: child) == schema
    assert children(map_children(schema, lambda _: List(items=TEXT))) == (List(items=TEXT),) * len(inner)


@pytest.mark.parametrize(("schema", "inner"), NESTED)
def test_a_schema_comes_back_from_its_json(schema: Schema, inner: tuple[Schema, ...]) -> None:
    assert decode("Schema", encode(schema)) == schema


@pytest.mark.parametrize(
    ("annotation", "value"),
    [("Native", Numpy()), ("Container", NUMBER), ("Schema", FIELD), ("Call", NUMBER), ("Seen", Evidence())],
)
def test_a_value_of_another_union_is_refused(annotation: str, value: object) -> None:
    with pytest.raises(CodecError, match=f"where a {annotation} belongs"):
        decode(annotation, encode(value))


def test_each_member_of_a_union_has_a_name_in_the_package() -> None:
    for union in (spec.Schema, spec.Native, spec.Container, spec.Call, spec.Seen, spec.ListForm):
        for member in typing.get_args(union):
            assert getattr(spec, getattr(member, "__forward_arg__", None) or member.__name__)


def test_a_string_that_represents_a_date_has_its_own_native_type() -> None:
    native: Native = TextOf(Element("datetime64[us]", Pandas()))
    assert decode("Native", encode(native)) == native


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(), ""),
        (
            Evidence(rows=4, missing=1, absent=2, seen=SeenRange("1", "3")),
            "Missing (null) in 1 of 4 sample rows. Absent from 2 of 4 sample rows. Seen: 1 to 3.",
        ),
        (Evidence(rows=1, missing=1), "Missing (null) in the sample."),
        (Evidence(asked_for=AskedFor(nullable=True), fractions=True), f"{ASKED} {WHOLE}"),
        (Evidence(seen=SeenRange("1", "3", whole=True)), "Seen: 1 to 3, whole numbers only."),
        (Evidence(rows=4, seen=SeenRange("1")), "Seen: 1 only."),
        (Evidence(rows=4, seen=SeenLengths(1, 1)), "Seen: texts of 1 character."),
        (
            Evidence(rows=4, seen=SeenLabels(('a "b"',))),
            'Seen: a "b". Write `Literal["a \\"b\\""]` to refuse others.',
        ),
        (
            Evidence(rows=4, missing=1, annotated=True, asked_for=AskedFor(choices=True)),
            (
                "As annotated. Missing (null) in 1 of 4 sample rows. "
                "The values seen, and no others, as was asked."
            ),
        ),
        (
            Evidence(rows=4, seen=SeenRange("1"), known_to=KnownTo("Encoder", ("a", "b"), True, False)),
            "Known to Encoder in the model: a, b, .... Any other value counts as unknown.",
        ),
        (
            Evidence(rows=4, seen=SeenRange("1", "2"), limits=Limits(beyond_float32=True, greatest=9)),
            "Seen: 1 to 2. The model fails on numbers beyond float32. The model knows none beyond 9.",
        ),
        (Evidence(recorded="As an older version said it."), "As an older version said it."),
    ],
)
def test_evidence_is_one_line(evidence: Evidence, words: str) -> None:
    assert words_of(evidence) == words
