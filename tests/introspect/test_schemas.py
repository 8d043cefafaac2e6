"""What the schema accepts and refuses, its comments on fields, and overrides."""

from __future__ import annotations

import base64
import dataclasses
import enum
import io
import types
from typing import Annotated, Any, Literal, TypedDict

import numpy as np
import pandas as pd
import pydantic
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from scaffold.errors import CallError, UnknownFieldError, UnsupportedSampleError
from scaffold.introspect import infer_signature
from scaffold.spec import Overrides
from tests.introspect.conftest import Serve, Service


class Batch:
    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def refuses(service: Service, body: Any, *loc: str | int) -> bool:
    """Whether a body is refused, and the fault names the field."""
    try:
        service.check(body)
    except pydantic.ValidationError as error:
        return not loc or any(fault["loc"][: len(loc)] == loc for fault in error.errors())
    return False


@pytest.fixture
def titanic() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Pclass": [1, 2, 3, 3],
            "Sex": ["male", "female", "male", "female"],
            "Age": [22.0, None, 30.5, 4.0],
            "alone": [True, False, True, False],
            "boarded": pd.to_datetime(["1912-04-10"] * 4),
            "deck": pd.Categorical(["a", "b", "a", "b"], categories=["c", "a", "b"]),
            "small": np.array([1, 2, 3, 4], "uint8"),
            "single": np.array([1, 2, 3, 4], "float32"),
        }
    )


def test_a_body_that_does_not_fit_is_refused_and_the_field_is_named(
    serve: Serve, titanic: pd.DataFrame
) -> None:
    service = serve(Batch(), titanic)
    good: dict[str, Any] = dict(service.found.recording.requests[0])  # type: ignore[arg-type]
    for name, wrong in [
        ("Pclass", 1.5),
        ("Pclass", "1"),
        ("Pclass", True),
        ("Pclass", None),
        ("Pclass", 2**63),
        ("Sex", 1),
        ("Sex", ["male"]),
        ("Age", "22"),
        ("Age", False),
        ("alone", 1),
        ("alone", "yes"),
        ("boarded", "next week"),
        ("boarded", "1912-02-30"),
        ("boarded", 3),
        ("boarded", "1334009600"),
        ("boarded", "1912-04-10T00:00:00Z"),
        ("deck", "d"),
        ("deck", 1),
        ("small", 300),
        ("small", -1),
        ("single", 1e39),
    ]:
        assert refuses(service, {**good, name: wrong}, name), f"{name}: {wrong!r}"
    assert refuses(service, {**good, "more": 1}, "more")
    assert refuses(service, {k: v for k, v in good.items() if k != "Sex"}, "Sex")
    for body in ("null", "[]", "3", '"x"', "{", b"\xff", '{"Age": NaN}', '{"Age": 1e999}'):
        assert refuses(service, body)
    for name, fine in [
        ("Age", None),
        ("Age", 22),
        ("boarded", "1912-04-10"),
        ("boarded", "1912-04-10T01:02:03.5"),
    ]:
        service.check({**good, name: fine})


def test_infinite_floats_are_refused_at_any_depth(serve: Serve) -> None:
    service = serve(Batch(), np.ones((2, 2)))
    for body in ('{"data": [1, NaN]}', '{"data": [1, Infinity]}', '{"data": [1, 1e999]}'):
        assert refuses(service, body)


def test_shapes_are_exact(serve: Serve) -> None:
    service = serve(Batch(), np.ones((3, 2, 2)))
    for wrong in (
        [1, 2],
        [[1, 2]],
        [[1, 2], [3]],
        [[1, 2], [3, 4], [5, 6]],
        [[[1, 2], [3, 4]]],
        1,
        None,
        [[1, None], [1, 2]],
    ):
        assert refuses(service, {"data": wrong})
    service.check({"data": [[1, 2], [3, 4]]})


def test_a_truncated_or_invalid_image_is_refused(serve: Serve) -> None:
    service = serve(lambda image: image.width, Image.new("RGB", (4, 4)))

    def file(kind: str, size: int = 64) -> bytes:
        buffer = io.BytesIO()
        noise = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype="uint8")
        Image.fromarray(noise).save(buffer, kind)
        return buffer.getvalue()

    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        whole = file(kind)
        service.check({"data": base64.b64encode(whole).decode()})
        assert refuses(service, {"data": base64.b64encode(whole[: len(whole) // 2]).decode()}, "data"), kind
    for wrong in ("", "no base64 !!!", base64.b64encode(b"hello").decode(), 7, None, "é"):
        assert refuses(service, {"data": wrong}, "data")


def test_an_image_that_unpacks_into_a_huge_one_is_refused(serve: Serve) -> None:
    service = serve(lambda image: image.width, Image.new("RGB", (4, 4)))
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    assert refuses(service, {"data": base64.b64encode(buffer.getvalue()).decode()}, "data")


def test_bytes_are_base64_and_not_empty(serve: Serve) -> None:
    service = serve(len, b"abc")
    assert service.score({"data": base64.b64encode(b"hello").decode()}) == [{"prediction": 5}]
    for wrong in ("", "!!!", "abc", 3):
        assert refuses(service, {"data": wrong}, "data")


def test_a_category_of_numbers_takes_no_bool_for_one(serve: Serve) -> None:
    service = serve(Batch(), pd.DataFrame({"a": pd.Categorical([1, 2])}))
    assert refuses(service, {"a": True}, "a")
    assert refuses(service, {"a": 3}, "a")
    service.check({"a": 2})


def test_positional_arguments_go_by_their_names(serve: Serve) -> None:
    service = serve(rate, ("u", 2.0))
    assert service.found.recording.requests == ({"user": "u", "amount": 2.0},)
    assert service.score({"user": "v", "amount": 3})[0]["amount"] == 15.0
    assert service.score({"user": "v", "amount": 3, "k": 2})[0]["amount"] == 6.0


class Basket(TypedDict):
    user: str
    items: list[float]


def rate(user: str, amount: float, k: int = 5, note: str | None = None) -> dict[str, Any]:
    return {"user": user, "amount": amount * k, "note": note}


def test_arguments_with_defaults_may_be_left_out(serve: Serve) -> None:
    service = serve(rate, {"user": "u", "amount": 2})
    assert service.score({"user": "v", "amount": 3}) == [{"user": "v", "amount": 15.0, "note": None}]
    assert service.score({"user": "v", "amount": 2.5, "k": 2, "note": "x"})[0]["amount"] == 5.0
    assert refuses(service, {"amount": 1.0}, "user")
    assert refuses(service, {"user": "v", "amount": 1.0, "k": 2.5}, "k")
    assert refuses(service, {"user": "v", "amount": 1.0, "k": None}, "k")


def total(basket: Basket) -> float:
    return sum(basket["items"])


def test_a_typed_dict_widens_what_was_seen(serve: Serve) -> None:
    service = serve(total, {"user": "u", "items": [1, 2]})
    assert service.score({"user": "u", "items": [1.5]}) == [{"prediction": 1.5}]


class Bounded(TypedDict):
    count: Annotated[int, pydantic.Field(ge=3)]


def test_the_constraints_of_a_typed_dict_are_kept(serve: Serve) -> None:
    def double(bounded: Bounded) -> int:
        return 2 * bounded["count"]

    service = serve(double, {"count": 5})
    assert service.score({"count": 3}) == [{"prediction": 6}]
    assert refuses(service, {"count": 1}, "count")


@pytest.mark.parametrize(
    ("annotation", "sample"),
    [
        (tuple[int, ...], (1, 2.5)),
        (tuple[int, ...], (1, "s")),
        (tuple[int], (1, 2)),
        (tuple[int, int], (1, 2.5)),
    ],
)
def test_a_tuple_that_its_annotation_does_not_fit_is_sent_as_it_is(
    serve: Serve, annotation: Any, sample: Any
) -> None:
    def last(n: int, items: Any) -> Any:
        return str(items[-1])

    last.__annotations__["items"] = annotation
    service = serve(last, {"n": 1, "items": sample})
    [request] = service.found.recording.requests
    assert request == {"n": 1, "items": list(sample)}
    assert service.score(request) == [{"prediction": str(sample[-1])}]


@pytest.mark.parametrize(
    ("annotation", "value", "wrong"),
    [
        (Literal["raw", "exp"], "other", 1),
        (Literal["raw", 3], "other", 1.5),
        (Annotated[int, pydantic.Field(ge=10)], 5, "5"),
        (Annotated[str, pydantic.Field(pattern="^a")], "b", 1),
        (list[Literal["raw", "exp"]], ["raw", "other"], [1]),
        (dict[str, Literal["raw", "exp"]], {"a": "other"}, {"a": 1}),
        (tuple[Literal["raw"], int], ("other", 1), ["raw", "x"]),
        (Literal["raw", "exp"] | None, "other", 1),
    ],
)
def test_an_annotation_that_the_sample_contradicts_does_not_refuse_the_sample(
    serve: Serve, annotation: Any, value: Any, wrong: Any
) -> None:
    def answer(n: int, option: Any) -> int:
        return n

    answer.__annotations__["option"] = annotation
    service = serve(answer, {"n": 1, "option": value})
    assert service.score(*service.found.recording.requests) == [{"prediction": 1}]
    assert refuses(service, {"n": 1, "option": wrong}, "option")


def test_a_dataclass_keeps_its_defaults_and_refuses_the_rest(serve: Serve, records: types.ModuleType) -> None:
    service = serve(lambda flat: flat.area * flat.rooms, records.Flat(1.5, 2, "North"))
    assert service.score({"area": 2, "rooms": 3}) == [{"prediction": 6.0}]
    for body in (
        {"area": 2},
        {"area": 2, "rooms": 2.5},
        {"area": "2", "rooms": 2},
        {"area": 2, "rooms": 2, "x": 1},
    ):
        assert refuses(service, body)


def test_what_an_encoder_raises_on_is_refused_and_what_it_ignores_is_said(serve: Serve) -> None:
    frame = pd.DataFrame({"plan": ["basic", "plus", "pro", "plus"]})
    for handling in ("error", "ignore"):
        model = make_pipeline(OneHotEncoder(handle_unknown=handling), LogisticRegression()).fit(
            frame, [0, 1, 0, 1]
        )
        service = serve(model, frame)
        assert refuses(service, {"plan": "gold"}, "plan") == (handling == "error")
        text = service.sources["app/schemas.py"]
        wanted = 'plan: Literal["basic", "plus", "pro"]' if handling == "error" else "Known to OneHotEncoder"
        assert wanted in text


def test_a_description_says_what_was_seen(serve: Serve, titanic: pd.DataFrame) -> None:
    text = serve(Batch(), titanic).sources["app/schemas.py"]
    for line in (
        'description="Seen: 1 to 3."',
        '    # Write `Literal["female", "male"]` to refuse others.\n',
        'description="Seen: female, male."',
        'description="Missing (null) in 1 of 4 sample rows. Seen: 4 to 30.5."',
    ):
        assert line in text


def test_free_text_and_rows_do_not_leak(serve: Serve) -> None:
    sample = pd.DataFrame({"name": ["Ada Lovelace", "Alan Turing"], "age": [36, 41], "pay": [10.5, 99.25]})
    service = serve(Batch(), sample)
    text = "".join(service.sources.values())
    assert "Ada" not in text
    assert "Turing" not in text
    assert "Seen: texts of 11 to 12 characters." in text
    columns = service.found.signature.input.columns
    for column in columns:
        assert column.example not in sample[column.name].tolist()


def test_a_comment_says_if_the_sample_is_one_record() -> None:
    found = infer_signature(lambda record: 1.0, {"a": 1})
    assert "One record is little evidence" in found.signature.notes[0]
    assert infer_signature(Batch(), np.ones((2, 2))).signature.notes == ()


def test_overrides_change_the_schema_of_the_sample(serve: Serve) -> None:
    sample = pd.DataFrame({"zip": [10115, 80331], "age": [1, 2], "plan": ["a", "b"]})
    overrides = Overrides(
        nullable=("age",), types={"zip": "str"}, choices=("plan",), examples_from_sample=True
    )
    service = serve(Batch(), sample, overrides=overrides)
    assert service.found.recording.requests[0] == {"zip": "10115", "age": 1, "plan": "a"}
    frame = service.convert.to_model([service.check({"zip": "010", "age": None, "plan": "a"})])
    assert frame["age"].isna().all()
    assert frame["zip"].tolist() == ["010"]
    assert refuses(service, {"zip": 10115, "age": 1, "plan": "a"}, "zip")
    assert refuses(service, {"zip": "1", "age": 1, "plan": "c"}, "plan")
    assert 'zip: str = Field(examples=["10115"]' in service.sources["app/schemas.py"]


def test_an_override_of_an_unknown_field_lists_the_fields() -> None:
    sample = pd.DataFrame({"age": [1, 2]})
    for overrides, option in (
        (Overrides(nullable=("Age",)), "--nullable"),
        (Overrides(choices=("Age",)), "--choices"),
        (Overrides(types={"Age": "str"}), "--type"),
    ):
        with pytest.raises(
            UnknownFieldError, match=f"{option} names 'Age', which is no field of the sample"
        ) as caught:
            infer_signature(Batch(), sample, overrides=overrides)
        assert "'age'" in str(caught.value)


def test_bad_samples_get_one_message() -> None:
    class Odd(enum.Enum):
        A = "a"

    @dataclasses.dataclass
    class Local:
        a: int

    cases: list[tuple[Any, Any, type[Exception], str]] = [
        (Batch(), pd.DataFrame({"a": []}), CallError, "holds no records"),
        (Batch(), np.array([1, "a", None], dtype=object), UnsupportedSampleError, "mixed things: int, str"),
        (
            Batch(),
            pd.DataFrame({"a": [1, "x"]}, dtype=object),
            UnsupportedSampleError,
            r"\$.a: a column of mixed things",
        ),
        (Batch(), np.array([[1j]]), UnsupportedSampleError, "complex128 is not JSON"),
        (
            Batch(),
            np.array([[1.0], [np.inf]]),
            UnsupportedSampleError,
            r"\$\[1\]\.data\[0\]: inf is not JSON",
        ),
        (
            lambda record: 1,
            {"items": [{"p": 1}, {"p": 2j}]},
            UnsupportedSampleError,
            r"\$\.items\[1\]\.p: complex is not JSON",
        ),
        (
            Batch(),
            pd.DataFrame({"a": pd.interval_range(0, 2)}),
            UnsupportedSampleError,
            r"\$\.a: an Interval is sent as its ends",
        ),
        (
            Batch(),
            np.ma.array([[1, np.nan], [3, 4]], mask=[[True, False], [False, False]]),
            UnsupportedSampleError,
            "a masked array that holds NaN as well",
        ),
        (
            lambda image: 1,
            Image.new("HSV", (2, 2)),
            UnsupportedSampleError,
            "no file holds an image of mode HSV",
        ),
        (lambda record: 1, {"f": open}, UnsupportedSampleError, r"\$\.f: "),
        (lambda record: 1, {"f": Local(1)}, UnsupportedSampleError, "defined inside a function"),
    ]
    for model, sample, error, words in cases:
        with pytest.raises(error, match=words):
            infer_signature(model, sample)


def test_an_unsupported_sample_says_how_to_go_on() -> None:
    error = UnsupportedSampleError("$.a", "complex is not JSON")
    assert "class Service:" in str(error)


def test_a_moment_that_nanoseconds_cannot_hold_is_refused(serve: Serve) -> None:
    for zone, offset in ((None, ""), ("UTC", "Z")):
        moments = pd.to_datetime(["2020-01-01"] * 2).as_unit("ns").tz_localize(zone)
        service = serve(Batch(), pd.DataFrame({"at": moments}))
        for year in ("0001", "1600", "2300"):
            assert refuses(service, {"at": f"{year}-01-01T00:00:00{offset}"}, "at")
        service.check({"at": f"1900-01-01T00:00:00{offset}"})


def test_a_string_that_is_not_a_period_is_refused(serve: Serve) -> None:
    service = serve(Batch(), pd.DataFrame({"month": pd.period_range("2020-01", periods=2, freq="M")}))
    for wrong in ("2020-13", "soon", "", 202001):
        assert refuses(service, {"month": wrong}, "month")
    service.check({"month": "2021-05"})


def test_the_index_of_a_frame_is_no_part_of_a_record(serve: Serve) -> None:
    sample = pd.DataFrame({"wt": [2.5, 3.5]}, index=["Mazda", "Fiat"])
    service = serve(Batch(), sample)
    assert service.found.recording.requests == ({"wt": 2.5}, {"wt": 3.5})
    assert service.given().index.tolist() == [0, 1]
