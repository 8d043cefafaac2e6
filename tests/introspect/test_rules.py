"""Classes of a user keep their rules: aliases are the names in JSON, bounds and time zones apply."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pytest
from pydantic import Field, ValidationError, conint, constr

from scaffold.render import tried_example
from tests.introspect.conftest import Serve, Service

ZONE = dt.timezone(dt.timedelta(hours=2))
NAIVE = dt.datetime(2025, 6, 1, 8, 30)
AWARE = NAIVE.replace(tzinfo=ZONE)


@pytest.fixture
def rules() -> Iterator[types.ModuleType]:
    """Return the user's own module, importable by its name as next to a model."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("rules")
    finally:
        sys.path.remove(folder)
        sys.modules.pop("rules", None)


def one(value: Any) -> int:
    return 1


def echoes(service: Service) -> None:
    """Assert that the recorded requests are answered as recorded, and that the first example is taken."""
    requests = service.found.recording.requests
    assert service.score(*requests) == list(service.found.recording.answers)
    body = tried_example(service.found.signature.input)
    assert body is not None
    service.check(body)


# ------------------------------------------------------------------ aliases


def basket(rules: Any, count: int = 3) -> Any:
    return rules.Basket(itemCount=count, netPrice=12.5, coupon=None)


ALIASED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "alias": (basket, {"itemCount": 3, "netPrice": 12.5, "coupon": None}),
    "generator, nested in a list": (
        lambda rules: rules.Camel(order_id=7, line_items=[basket(rules), basket(rules, 4)]),
        {
            "OrderId": 7,
            "LineItems": [
                {"itemCount": 3, "netPrice": 12.5, "coupon": None},
                {"itemCount": 4, "netPrice": 12.5, "coupon": None},
            ],
        },
    ),
    "choices and paths": (
        lambda rules: rules.Choices.model_validate({"first": 1, "names": [None, {"n": 2}], "in": 3}),
        {"first": 1, "names": [None, {"n": 2}], "in": 3},
    ),
    "by name only": (lambda rules: rules.NamesOnly(size=4), {"size": 4}),
    "dataclass": (lambda rules: rules.Parcel(weight=2.5), {"weight kg": 2.5}),
    "dataclass of pydantic": (
        lambda rules: rules.Crate(parcels=[rules.Parcel(weight=2.5)], crateCode="AB-123"),
        {"parcels": [{"weight kg": 2.5}], "crateCode": "AB-123"},
    ),
}


@pytest.mark.parametrize(("make", "body"), ALIASED.values(), ids=ALIASED)
@pytest.mark.parametrize("several", [False, True], ids=["one", "a list"])
def test_aliases_are_the_names_in_json(
    serve: Serve, rules: Any, make: Callable[[Any], Any], body: Any, several: bool
) -> None:
    value = make(rules)
    service = serve(one, [value, value] if several else value)
    assert service.found.recording.requests == ((body, body) if several else (body,))
    assert service.score(*service.found.recording.requests) == list(service.found.recording.answers)
    assert service.given() == ([value, value] if several else [value])


def test_aliases_apply_inside_arguments_and_dicts(serve: Serve, rules: Any) -> None:
    def price(basket: Any, rate: float) -> float:
        return float(basket.item_count * rate)

    service = serve(price, {"basket": basket(rules), "rate": 2.0})
    assert service.score({"basket": {"itemCount": 5, "netPrice": 1.0}, "rate": 2.0}) == [{"prediction": 10.0}]
    with pytest.raises(ValidationError, match="itemCount"):
        service.check({"basket": {"item_count": 5, "net_price": 1.0}, "rate": 2.0})
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        service.check({"basket": {"itemCount": 0, "netPrice": 1.0}, "rate": 2.0})
    inside = serve(one, {"items": [basket(rules)], "by name": {"a": basket(rules)}})
    assert inside.given() == [{"items": [basket(rules)], "by name": {"a": basket(rules)}}]


def test_predictions_use_serialization_aliases(serve: Serve, rules: Any) -> None:
    def answer(n: int) -> Any:
        priced = rules.Priced(total=n + 0.4, when=NAIVE, inner=basket(rules))
        return {"best": priced, "all": [priced]}

    service = serve(answer, 2)
    priced = {
        "totalPrice": 2.4,
        "when": "2025-06-01",
        "inner": {"itemCount": 3, "netPrice": 12.5, "coupon": None},
        "rounded": 2,
    }
    assert service.score({"data": 2}) == [{"best": priced, "all": [priced]}]
    assert service.found.recording.answers == ({"best": priced, "all": [priced]},)
    alone = serve(lambda n: rules.Choices.model_validate({"first": n, "names": [0, {"n": 2}], "in": 3}), 1)
    assert alone.score({"data": 5}) == [{"one": 5, "two": 2, "out": 3}]


@pytest.mark.parametrize("several", [False, True], ids=["one", "a list"])
def test_a_root_model_goes_over_the_wire_as_what_it_holds(serve: Serve, rules: Any, several: bool) -> None:
    lines = rules.Lines([basket(rules), basket(rules, 4)])
    service = serve(one, [lines, lines] if several else lines)
    names = {"netPrice": 12.5, "coupon": None}
    body = {"data": [{"itemCount": 3, **names}, {"itemCount": 4, **names}]}
    assert service.found.recording.requests == ((body, body) if several else (body,))
    assert service.given() == ([lines, lines] if several else [lines])


def test_a_root_model_as_an_answer_is_what_it_holds(serve: Serve, rules: Any) -> None:
    total = serve(lambda n: rules.Totals({"total": n}), 2.5)
    assert total.found.recording.answers == ({"total": 2.5},)
    assert total.score({"data": 2.5}) == [{"total": 2.5}]
    ranks = serve(lambda n: rules.Ranks([n, 1]), 2)
    assert ranks.found.recording.answers == ({"prediction": [2, 1]},)
    assert ranks.score({"data": 5}) == [{"prediction": [5, 1]}]


# ------------------------------------------------------------------ moments


MOMENTS: dict[str, tuple[Callable[[Any, Any], Any], Any, tuple[Any, ...]]] = {
    "dataclass": (
        lambda rules, at: rules.Stay("A", NAIVE.replace(tzinfo=at), NAIVE.replace(tzinfo=at)),
        lambda at: {"place": "B", "arrived": at, "left": None},
        ("arrived",),
    ),
    "pydantic, by its alias": (
        lambda rules, at: rules.Visit(visitedAt=NAIVE.replace(tzinfo=at)),
        lambda at: {"visitedAt": at},
        ("at",),
    ),
    "deep inside": (
        lambda rules, at: rules.Visit(
            visitedAt=NAIVE.replace(tzinfo=at),
            stays=[rules.Stay("A", NAIVE)],
            notes={"a": NAIVE.replace(tzinfo=at)},
        ),
        lambda at: {
            "visitedAt": "2025-06-01T08:30:00+02:00" if at.endswith("Z") else at,
            "stays": [{"place": "B", "arrived": "2025-06-01T08:30:00"}],
            "notes": {"b": at},
        },
        ("notes", "b"),
    ),
    "named tuple": (
        lambda rules, at: rules.Tick(NAIVE.replace(tzinfo=at), 2.0),
        lambda at: {"at": at, "value": 1.0},
        ("at",),
    ),
}


@pytest.mark.parametrize("aware", [True, False], ids=["with a zone", "without"])
@pytest.mark.parametrize(("make", "body", "place"), MOMENTS.values(), ids=MOMENTS)
def test_a_moment_has_a_zone_if_it_has_one_in_the_sample(
    serve: Serve, rules: Any, make: Any, body: Any, place: Any, aware: bool
) -> None:
    service = serve(one, make(rules, ZONE if aware else None))
    taken, refused = "2025-07-01T10:00:00Z", "2025-07-01T10:00:00"
    if not aware:
        taken, refused = refused, taken
    service.check(body(taken))
    with pytest.raises(ValidationError) as caught:
        service.check(body(refused))
    [error] = [error for error in caught.value.errors() if error["loc"] == place]
    assert error["type"] == ("timezone_aware" if aware else "timezone_naive")


def test_a_moment_of_a_typed_dict_and_of_an_argument_has_the_zone_of_the_sample(
    serve: Serve, rules: Any
) -> None:
    def typed(event: Any) -> int:
        return 1

    typed.__annotations__["event"] = rules.Event

    def argument(at: dt.datetime, n: int) -> int:
        return n

    for service, body in (
        (serve(typed, {"at": AWARE, "what": "x"}), {"what": "y"}),
        (serve(argument, {"at": AWARE, "n": 1}), {"n": 2}),
    ):
        service.check({**body, "at": "2025-07-01T10:00:00Z"})
        with pytest.raises(ValidationError) as caught:
            service.check({**body, "at": "2025-07-01T10:00:00"})
        assert caught.value.errors()[0]["loc"] == ("at",)


def test_moments_of_either_kind_are_taken_where_the_sample_has_both(serve: Serve, rules: Any) -> None:
    service = serve(one, rules.Visit(visitedAt=NAIVE, notes={"a": NAIVE, "b": AWARE}))
    service.check({"visitedAt": "2025-07-01T10:00:00", "notes": {"a": "2025-07-01T10:00:00Z"}})


# ------------------------------------------------------------------ the first request


def plan(plan: Literal["basic", "plus"], seats: Literal[1, 5, None] = None) -> int:
    return 1


def limits(
    n: Annotated[int, Field(ge=100, multiple_of=7)],
    share: Annotated[float, Field(gt=0.9, lt=1)],
    code: constr(pattern=r"^(AB|CD)\d{4}$"),  # type: ignore[valid-type]
    size: conint(ge=2, le=2),  # type: ignore[valid-type]
    word: Optional[Annotated[str, Field(min_length=9, max_length=10)]],  # noqa: UP045
    low: Annotated[int, Field(lt=-5)] = -6,
) -> int:
    return 1


FIRST: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "Literal": (lambda _: plan, lambda _: {"plan": "basic", "seats": 5}),
    "bounds and patterns": (
        lambda _: limits,
        lambda _: {"n": 105, "share": 0.95, "code": "AB1234", "size": 2, "word": "abcdefghi"},
    ),
    "a class": (lambda _: one, basket),
    "a class with everything": (
        lambda _: one,
        lambda rules: rules.Owner(
            pet=rules.Cat(kind="cat", lives=9),
            grade=rules.Grade.LOW,
            phone="+47 123 456",
            name="a long name indeed",
            age=21,
            share=0.3,
        ),
    ),
    "a discriminated union": (
        lambda _: one,
        lambda rules: rules.Owner(
            pet=rules.Dog(kind="dog", tricks=["sit", "roll"]),
            grade=rules.Grade.HIGH,
            phone="+1 123456",
            name="a long name indeed",
            age=28,
            share=0.26,
            friend=None,
        ),
    ),
    "a class as an argument": (
        lambda _: lambda owner, n: 1,
        lambda rules: {"owner": rules.Cat(kind="cat", lives=3), "n": 2},
    ),
    "an Enum": (lambda _: one, lambda rules: rules.Grade.LOW),
    "moments in a zone": (lambda _: one, lambda rules: rules.Stay("A", AWARE, AWARE)),
    "moments without": (lambda _: one, lambda rules: rules.Visit(visitedAt=NAIVE)),
    "a tuple of places": (lambda _: one, lambda rules: rules.Tick(AWARE, 1.0)),
    "an array": (lambda _: len, lambda _: np.array([[1.0, 2.0], [3.0, 4.0]])),
    "one text": (lambda _: one, lambda _: "hello"),
    "nanoseconds": (lambda _: one, lambda _: np.datetime64("2025-01-01T00:00:00.000000001")),
}


@pytest.mark.parametrize(("model", "sample"), FIRST.values(), ids=FIRST)
def test_the_first_request_that_the_readme_shows_is_taken(
    serve: Serve, rules: Any, model: Any, sample: Any
) -> None:
    echoes(serve(model(rules), sample(rules)))


def test_an_optional_class_that_the_sample_leaves_out_may_be_sent(serve: Serve, rules: Any) -> None:
    def score(n: int, basket: Any = None) -> int:
        return n if basket is None else int(n * basket.item_count)

    score.__annotations__["basket"] = Optional[rules.Basket]  # noqa: UP045

    service = serve(score, {"n": 2})
    echoes(service)
    [field] = [f for f in service.found.signature.input.fields if f.name == "basket"]
    body = {"n": 2, "basket": field.example}
    example: Any = field.example
    assert service.score(body) == [{"prediction": 2 * example["itemCount"]}]


def test_annotated_bounds_are_enforced(serve: Serve) -> None:
    service = serve(limits, {"n": 105, "share": 0.95, "code": "AB1234", "size": 2, "word": None})
    good = {"n": 105, "share": 0.95, "code": "CD0000", "size": 2, "word": "abcdefghi"}
    service.check(good)
    for field, wrong in {"n": 106, "share": 1.0, "code": "AB", "size": 3, "word": "short", "low": -5}.items():
        with pytest.raises(ValidationError) as caught:
            service.check(json.dumps({**good, field: wrong}))
        assert caught.value.errors()[0]["loc"] == (field,)


def test_a_literal_takes_its_own_values_only(serve: Serve) -> None:
    service = serve(plan, {"plan": "basic", "seats": 5})
    service.check({"plan": "plus", "seats": None})
    for wrong in ({"plan": "free"}, {"plan": "plus", "seats": 2}, {"plan": "plus", "seats": True}):
        with pytest.raises(ValidationError):
            service.check(wrong)


def test_no_example_is_shown_where_none_is_known_to_fit(serve: Serve, rules: Any) -> None:
    service = serve(one, rules.Span(start=7, end=210))
    assert tried_example(service.found.signature.input) is None
    assert service.score({"start": 3, "end": 6}) == [{"prediction": 1}]
