"""Valid bodies: strict JSON of limited size, checked in limited time."""

import contextlib
import functools
import json
import socket
import types
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasPath, BaseModel, Field, RootModel, model_validator

from tests.serving._toy import TEMPLATE, Service

GOOD = b'{"value": 1.0}'
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

NOT_JSON = {
    "empty": b"",
    "blank": b"  \n",
    "text": b"hello",
    "cut off": b'{"value": 1',
    "something after": b'{"value": 1} {}',
    "comma at the end": b'{"value": 1,}',
    "comment": b'{"value": 1 /* one */}',
    "single quotes": b"{'value': 1}",
    "key twice": b'{"value": 1, "value": 2}',
    "key twice, once escaped": b'{"value": 1, "\\u0076alue": 2}',
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": -Infinity}',
    "number too large": b'{"value": 1e999}',
    "integer of a million digits": b'{"value": ' + b"9" * 1_000_000 + b"}",
    "leading zero": b'{"value": 01}',
    "hexadecimal": b'{"value": 0x10}',
    "bad UTF-8": b'{"value": 1, "act": "\xff\xfe"}',
    "overlong UTF-8": b'{"value": 1, "act": "\xc0\xaf"}',
    "UTF-16": '{"value": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "lone surrogate": b'{"value": 1, "act": "\\ud800"}',
    "control character": b'{"value": 1, "act": "\x01"}',
    "deep lists": b"[" * 500_000 + b"]" * 500_000,
    "deep objects": b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "a list": b"[1]",
    "null": b"null",
    "number as text": b'{"value": "1"}',
    "bool as number": b'{"value": true}',
    "unknown field": b'{"value": 1, "more": 1}',
    "missing field": b"{}",
    "seventy thousand fields": json.dumps({f"k{i}": 1 for i in range(70_000)}).encode(),
}


@pytest.fixture(scope="module")
def routes() -> dict[str, Service]:
    """Services by their setting `FAST_ROUTES`."""
    return {}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_an_invalid_record_after_a_valid_one_is_a_422(service: Service, body: bytes) -> None:
    assert service.post("/score/batch", b"[" + GOOD + b"]").status == 200
    assert service.post("/score/batch", b"[" + GOOD + b"," + body + b"]").status == 422


class Plain(BaseModel):
    """A record with two keys at least."""

    a: float
    b: str
    c: int = 0


class Renamed(Plain):
    """A record that may have other keys."""

    @model_validator(mode="before")
    @classmethod
    def rename(cls, value: Any) -> Any:
        """Take `a` for both."""
        return {"a": value["a"], "b": str(value["a"])}


class OneKey(BaseModel):
    """Two values of one key."""

    a: float = Field(alias="x")
    b: str | float = Field(alias="x")


class OfPath(BaseModel):
    """Two values below one key."""

    a: float = Field(validation_alias=AliasPath("x", 0))
    b: float = Field(validation_alias=AliasPath("x", 1))


@pytest.mark.parametrize(
    ("model", "keys"), [(Plain, 2), (Renamed, 0), (OneKey, 1), (OfPath, 0), (RootModel[list[Plain]], 0)]
)
def test_the_keys_of_a_record_are_counted_where_they_are_sure(model: type[BaseModel], keys: int) -> None:
    assert _strict_json().least_keys(model) == keys


@given(
    records=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9) | st.sampled_from([":", "NaN", '":'])))
    )
)
def test_what_is_surely_strict_is_strict(records: list[list[tuple[str, object]]]) -> None:
    """Each record as it is written: with keys that are given twice, or left out."""
    objects = [
        "{" + ", ".join(f'"{key}": {json.dumps(value)}' for key, value in each) + "}" for each in records
    ]
    body = f"[{', '.join(objects)}]".encode()
    has_all = all({"a", "b"} <= {key for key, _ in each} for each in records)  # or else it is invalid
    module = _strict_json()
    if has_all and module.is_surely_strict(body, 2 * len(records)):
        module.require_strict(body)


@functools.cache
def _strict_json() -> Any:
    module = types.ModuleType("strict_json")
    exec(
        (TEMPLATE / "app/serving/strict_json.py").read_text(), vars(module)
    )  # leaves no compiled file behind
    return module


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_an_invalid_record_is_a_422_without_its_values(service: Service, body: bytes) -> None:
    answer = service.post("/score", body)
    assert answer.status == 422
    faults = answer.json["detail"]
    assert faults
    assert all(set(fault) == {"type", "loc", "msg"} and fault["loc"][0] == "body" for fault in faults)
    assert len(answer.body) < 1000
    assert service.post("/score", GOOD).status == 200


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32-LE"),
        ("utf-32-be", "UTF-32-BE"),
    ],
)
@pytest.mark.parametrize("fast_routes", ["true", "false"])
def test_another_encoding_is_named_with_what_to_send(
    serve: Callable[..., Service], routes: dict[str, Service], fast_routes: str, encoding: str, name: str
) -> None:
    """RFC 8259, section 8.1: UTF-8, and no byte order mark."""
    service = routes.get(fast_routes) or routes.setdefault(fast_routes, serve(FAST_ROUTES=fast_routes))
    [fault] = service.post("/score", GOOD.decode().encode(encoding)).json["detail"]
    message = f"The body is {name}. Send UTF-8 without a byte order mark."
    assert fault == {"type": "json_invalid", "loc": ["body"], "msg": message}


@pytest.mark.parametrize(("number", "status"), [("2.0", 200), ("2e0", 200), ("2.5", 422), ("1e300", 422)])
def test_a_number_without_a_fraction_is_an_integer(service: Service, number: str, status: int) -> None:
    body = f'{{"value": 1.0, "count": {number}}}'
    assert service.post("/score", body.encode()).status == status
    assert service.post("/score/batch", f"[{', '.join([body] * 900)}]".encode()).status == status


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("9007199254740993.0", 200),
        ("9223372036854774784.0", 200),
        ("9223372036854775808.0", 422),
        ("-9223372036854775808.0", 200),
        ("1e-999999999999999999999", 200),
        ("1e18", 200),
        ("1e19", 422),
        ("1e308", 422),
        ("0e999999999999999999999", 200),
        ("Infinity", 422),
        ("NaN", 422),
        ('"1.0"', 422),
        ("true", 422),
        ("[1.0]", 422),
        ('{"count": 1.0}', 422),
    ],
)
def test_a_float_without_a_fraction_below_2_to_63_is_made_an_integer(
    service: Service, number: str, status: int
) -> None:
    answer = service.post("/score", f'{{"value": 1, "count": {number}}}'.encode())
    assert answer.status == status, answer.body


def test_no_number_is_made_an_integer_where_something_else_is_wrong(service: Service) -> None:
    faults = service.post("/score", b'{"value": "x", "count": 1.0}').json["detail"]
    assert {fault["type"] for fault in faults} == {"int_type", "float_type"}
    faults = service.post("/score", b'{"value": 1, "count": 1.0, "more": 1}').json["detail"]
    assert {fault["type"] for fault in faults} == {"int_type", "extra_forbidden"}


def test_a_large_number_in_a_faulty_body_costs_no_memory(serve: Callable[..., Service]) -> None:
    service = serve()
    numbers = b", ".join([b"1e308"] * 140_000)
    bodies = [
        b'[{"value": [%b], "count": 1.0}]' % numbers,
        b'[{"value": 1, "count": [%b]}]' % numbers,
        b'[{"value": 1, "count": 1.0, "act": [%b]}]' % numbers,
    ]
    assert service.post("/score/batch", b"[%b]" % bodies[0]).status == 422
    before = service.peak_mib()
    for body in bodies:
        assert service.post("/score/batch", body).status == 422
    assert service.peak_mib() - before < 60


def test_the_description_has_bounds_to_the_last_digit(service: Service) -> None:
    count = service.get("/openapi.json").json["components"]["schemas"]["ModelInput"]["properties"]["count"]
    assert (str(count["minimum"]), str(count["exclusiveMaximum"])) == (str(-(2**63)), str(2**63))


def test_a_fault_names_its_field_and_not_its_value(service: Service) -> None:
    answer = service.post("/score/batch", [{"value": 1}, {"value": "secret 4711"}])
    assert answer.json["detail"] == [
        {"type": "float_type", "loc": ["body", 1, "value"], "msg": "Input should be a valid number"}
    ]


def test_a_batch_of_invalid_records_is_one_error(service: Service) -> None:
    answer = service.post("/score/batch", b"[" + b'{"a":1},' * 900 + b"{}]")
    assert answer.status == 422
    assert answer.json["detail"][0]["type"] == "too_many_faults"


def test_a_batch_has_a_bound_on_its_records(service: Service) -> None:
    answer = service.post("/score/batch", b"[" + b'{"value":1},' * 1000 + b'{"value":1}]')
    assert answer.status == 422
    assert answer.json["detail"][0]["type"] == "too_long"


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "Application/vnd.toy+JSON"]
)
def test_every_json_media_type_is_accepted(service: Service, media_type: str) -> None:
    assert service.request("POST", "/score", GOOD, {"Content-Type": media_type}).status == 200


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/x-json", ""]
)
def test_another_media_type_is_a_415(service: Service, media_type: str) -> None:
    assert service.request("POST", "/score", GOOD, {"Content-Type": media_type}).status == 415
    assert service.request("POST", "/score", GOOD, {}).status == 415


def test_a_compressed_body_is_a_415(service: Service) -> None:
    answer = service.post("/score", GOOD, **{"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert "Content-Encoding" in answer.json["detail"]


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 2000000\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(service: Service) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with service.connect() as connection:
        connection.sendall(CHUNKED)
        for _ in range(17):  # one more than the limit; the end is never sent
            connection.sendall(chunk)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_head_without_an_end_is_cut_off(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"X-Padding: " + b"x" * 2000 + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
            assert not connection.recv(4096)
    assert service.post("/score", GOOD).status == 200


def test_the_limit_applies_to_a_small_body_without_a_length(serve: Callable[..., Service]) -> None:
    service = serve(MAX_BODY_BYTES="20")
    with service.connect() as connection:
        connection.sendall(CHUNKED + b"1e\r\n" + GOOD.ljust(30) + b"\r\n0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert service.post("/score", GOOD).status == 200


def test_a_chunked_body_is_joined(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(CHUNKED)
        for byte in GOOD:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_does_not_come_is_a_408(serve: Callable[..., Service]) -> None:
    service = serve(BODY_TIMEOUT_S="0.2")
    with service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 14\r\n\r\n{")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_disconnects_does_not_affect_others(service: Service) -> None:
    for _ in range(20):
        with service.connect() as connection:
            connection.sendall(HEAD + b"Content-Length: 99\r\n\r\n{")
            connection.shutdown(socket.SHUT_RDWR)
    assert service.post("/score", GOOD).status == 200


def test_a_client_that_sends_too_much_gets_the_error(service: Service) -> None:
    assert service.post("/score", b" " * (1 << 24)).status == 413
    with service.connect() as connection:
        connection.sendall(CHUNKED)
        for _ in range(256):
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
