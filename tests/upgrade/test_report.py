"""The report: what changes for callers of a service."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from scaffold.introspect.fields._refine import with_classes
from scaffold.introspect.hints._hints import model_hints
from scaffold.spec import (
    Arguments,
    Batching,
    Category,
    Evidence,
    Field,
    JSONValue,
    List,
    Numpy,
    OfClasses,
    Optional,
    Pandas,
    PythonCall,
    Requirement,
    Scalar,
    ScalarType,
    Schema,
    Signature,
    Table,
    Tensor,
    Value,
    description_of,
)
from scaffold.upgrade import Report, compare_answers
from scaffold.upgrade._contract import contract_of_openapi, contract_of_signature
from scaffold.upgrade._report import (
    Change,
    compare_contracts,
    compare_labels,
    compare_requirements,
    next_version,
)

INTEGER, NUMBER, TEXT = (
    Scalar(type=kind) for kind in (ScalarType.INTEGER, ScalarType.NUMBER, ScalarType.STRING)
)


def field(name: str, schema: Schema, *, required: bool = True) -> Field:
    return Field(name=name, attribute=name, schema=schema, required=required)


def signature(*fields: Field, output: Schema = INTEGER) -> Signature:
    return Signature(
        input=Table(columns=fields, container=Pandas()),
        output=Value(field=field("prediction", output)),
        call=PythonCall(method="predict", batching=Batching.TOGETHER, arguments=Arguments.ONE),
    )


def changes(old: Signature, new: Signature) -> list[tuple[str, bool, str]]:
    found = compare_contracts(contract_of_signature(old), contract_of_signature(new))
    return [(change.what, change.breaking, change.reason) for change in found]


AGE = field("age", INTEGER)
LABELS = Scalar(type=ScalarType.STRING, choices=("a", "b"))
LEVELS = Category(of=TEXT, levels=("low", "high"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([AGE], [AGE], []),
        ([AGE], [AGE, field("fare", NUMBER)], [("input fare", True, "newly required")]),
        ([AGE], [AGE, field("fare", NUMBER, required=False)], [("input fare", False, "new and optional")]),
        (
            [AGE, field("fare", NUMBER)],
            [AGE],
            [("input fare", True, "no longer taken: a request that holds it is refused")],
        ),
        ([AGE], [field("age", NUMBER)], [("input age", False, "a wider type")]),
        ([field("age", NUMBER)], [AGE], [("input age", True, "a narrower type")]),
        ([AGE], [field("age", TEXT)], [("input age", True, "another type")]),
        ([AGE], [field("age", Optional(of=INTEGER))], [("input age", False, "may be null now")]),
        ([field("age", Optional(of=INTEGER))], [AGE], [("input age", True, "may no longer be null")]),
        ([AGE], [field("age", INTEGER, required=False)], [("input age", False, "may be left out now")]),
        ([field("age", INTEGER, required=False)], [AGE], [("input age", True, "newly required")]),
        (
            [field("size", LEVELS)],
            [field("size", Category(of=TEXT, levels=("low", "mid", "high")))],
            [("input size", False, "more values are taken")],
        ),
        (
            [field("size", LEVELS)],
            [field("size", Category(of=TEXT, levels=("low",)))],
            [("input size", True, "another set of values")],
        ),
        (
            [field("n", Scalar(type=ScalarType.INTEGER, minimum=0, maximum=255))],
            [field("n", Scalar(type=ScalarType.INTEGER, minimum=-128, maximum=127))],
            [("input n", False, "a wider range"), ("input n", True, "a narrower range")],
        ),
        (
            [field("tags", List(items=TEXT))],
            [field("tags", List(items=Optional(of=TEXT)))],
            [("input tags[]", False, "may be null now")],
        ),
    ],
)
def test_a_wider_input_is_compatible_and_a_narrower_one_breaking(
    old: list[Field], new: list[Field], expected: list[tuple[str, bool, str]]
) -> None:
    assert changes(signature(*old), signature(*new)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (INTEGER, NUMBER, [("output prediction", True, "a wider type")]),
        (NUMBER, INTEGER, [("output prediction", False, "a narrower type")]),
        (LABELS, Scalar(type=ScalarType.STRING, choices=("a", "b", "c")), "another set of values"),
        (LABELS, Scalar(type=ScalarType.STRING, choices=("a",)), "another set of values"),
        (INTEGER, Optional(of=INTEGER), "may be null now, which callers may not handle"),
    ],
)
def test_a_wider_output_and_another_label_set_are_breaking(
    old: Schema, new: Schema, expected: list[tuple[str, bool, str]] | str
) -> None:
    wanted = [("output prediction", True, expected)] if isinstance(expected, str) else expected
    assert changes(signature(AGE, output=old), signature(AGE, output=new)) == wanted


def test_another_shape_of_an_array_is_breaking() -> None:
    def of_shape(*shape: int) -> Signature:
        tensor = Tensor(shape=shape, dtype="float64", items=NUMBER, container=Numpy())
        return Signature(
            input=Value(field=field("data", tensor)),
            output=Value(field=field("prediction", INTEGER)),
            call=PythonCall(method="predict", batching=Batching.TOGETHER),
        )

    assert changes(of_shape(4), of_shape(5)) == [("input data", True, "another length")]
    assert changes(of_shape(4), of_shape(4, 1)) == [("input data[]", True, "another type")]


def test_the_contract_of_an_openapi_document_is_that_of_its_two_models() -> None:
    document = {
        "components": {
            "schemas": {
                "ModelInput": {
                    "type": "object",
                    "properties": {"age": {"type": "integer"}, "home": {"$ref": "#/components/schemas/Home"}},
                    "required": ["age", "home"],
                },
                "Home": {"type": "object", "properties": {"city": {"type": "string"}}},
                "ModelOutput": {"type": "object", "properties": {"prediction": {"type": "integer"}}},
            }
        }
    }
    contract = contract_of_openapi(document)
    assert contract.input["properties"]["home"]["properties"] == {"city": {"type": "string"}}
    assert compare_contracts(contract, contract) == ()


def requirement(text: str) -> Requirement:
    name, _, version = text.partition("==")
    return Requirement(distribution=name, specifier=f"=={version}", reason="the model")


def test_requirements_are_judged_by_the_part_of_the_version_that_changed() -> None:
    old = [
        requirement(text)
        for text in ("scipy==1.14.0", "pandas==2.2.3", "numpy==2.0.1", "tqdm==4.1", "a==0.3.0")
    ]
    new = [
        requirement(text)
        for text in ("scipy==1.14.1", "pandas==3.0.0", "numpy==2.1.0", "joblib==1.4", "a==0.4.0")
    ]
    found = {change.what: (change.breaking, change.reason) for change in compare_requirements(old, new)}
    assert found == {
        "requirement a": (True, "another minor version below 1.0"),
        "requirement joblib": (False, "newly needed"),
        "requirement numpy": (False, "another minor version"),
        "requirement pandas": (True, "another major version: code of yours that uses it may need a change"),
        "requirement scipy": (False, "another patch version"),
        "requirement tqdm": (False, "no longer needed"),
    }


def change(*, breaking: bool) -> Change:
    return Change(what="input age", old="integer", new="number", breaking=breaking, reason="a wider type")


def test_the_version_goes_up_by_what_callers_notice() -> None:
    assert next_version("1.2.3", Report(contract=(change(breaking=True),), model="sha256 1")) == "2.0.0"
    assert next_version("1.2.3", Report(contract=(change(breaking=False),), model="sha256 1")) == "1.3.0"
    assert next_version("1.2.3", Report(model="sha256 1")) == "1.2.4"
    assert next_version("1.2.3", Report()) == "1.2.3"


def test_the_largest_difference_of_two_models_is_named() -> None:
    old: list[JSONValue] = [
        {"prediction": 0.25},
        {"prediction": 0.5},
        {"prediction": "yes"},
        {"prediction": 1},
    ]
    new: list[JSONValue] = [{"prediction": 0.25}, {"prediction": 0.8}, {"prediction": "no"}, None]
    comparison = compare_answers(old, new)
    assert str(comparison) == (
        "2 of 3 recorded requests are answered differently,"
        " the largest difference at request 1, prediction: 0.5 -> 0.8"
    )
    assert comparison.largest == pytest.approx(0.3)
    assert str(compare_answers([1], [1])) == "both models give the same answers to 1 recorded requests"
    assert compare_answers(["a", "b"], ["a", "c"]).largest_at == "request 1"
    assert str(compare_answers([1], [None])) == "no recorded request fits both models"


def labelled(*labels: str, each: bool = False) -> Value:
    known = OfClasses(labels=labels, each=each)
    scalar = Scalar(type=ScalarType.STRING)
    return Value(
        field=Field(
            name="prediction", attribute="prediction", schema=scalar, evidence=Evidence(classes=known)
        )
    )


@pytest.mark.parametrize(
    ("new", "breaking"),
    [
        (labelled("low", "high", "mid"), [True]),
        (labelled("low", "top"), [True]),
        (labelled("low"), [True]),
        (labelled("high", "low"), []),
        (labelled("low", "high"), []),
        (labelled("high", "low", each=True), [True]),
    ],
)
def test_another_set_of_labels_breaks_callers(new: Value, breaking: list[bool]) -> None:
    changes = compare_labels(labelled("low", "high"), new)
    assert [change.breaking for change in changes] == breaking
    assert all(change.what == "output prediction" for change in changes)


def test_the_labels_of_each_output_are_compared() -> None:
    inputs = np.array([[0.0], [1.0], [2.0], [3.0]])
    targets = np.array([["cold", "x"], ["hot", "x"], ["cold", "y"], ["hot", "y"]])
    value = labelled().field
    schemas = []
    for old, new in (("", ""), ("cold", "freezing"), ("y", "a")):
        model = MultiOutputClassifier(LogisticRegression()).fit(
            inputs, np.where(targets == old, new, targets)
        )
        plain = Value(field=dataclasses.replace(value, evidence=Evidence()))
        schemas.append(with_classes(plain, "predict", model_hints(model).classes))
    assert compare_labels(schemas[0], schemas[0]) == ()
    [first] = compare_labels(schemas[0], schemas[1])
    assert str(first) == (
        "output prediction[0]: another set of labels (labels cold, hot -> labels freezing, hot)"
    )
    [second] = compare_labels(schemas[0], schemas[2])
    assert (second.what, second.breaking) == ("output prediction[1]", True)
    assert isinstance(schemas[0], Value)
    assert (
        description_of(schemas[0].field.evidence)
        == "One of the model's classes for each output: cold, hot; x, y."
    )


def test_the_largest_difference_is_one_of_numbers_and_not_of_bools() -> None:
    compared = compare_answers([{"a": 0.5, "b": True}], [{"a": 0.9, "b": False}])
    assert compared.largest_change == "the largest difference at request 0, a: 0.5 -> 0.9"
    assert compare_answers([True], [False]).largest == 0
    assert compare_answers([10**400], [1]).largest == float("inf")
