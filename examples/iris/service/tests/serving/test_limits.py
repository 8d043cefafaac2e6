"""What a request may be."""

import pytest

from tests.serving.toy import Toy

RECORD = {"value": 1.5}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (RECORD, {}, 200),
        (RECORD, {"content_type": "text/plain"}, 415),
        (RECORD, {"content_encoding": "gzip"}, 415),
        (b" " * 101, {}, 413),
        (b" " * 101, {"content_length": ""}, 413),
        (b" " * 101, {"content_length": "2", "transfer_encoding": "chunked"}, 413),
        (RECORD, {"content_length": ""}, 200),
        (b"", {}, 422),
        (b'{"value": 1, "value": 2}', {}, 422),
        (b'{"value": NaN}', {}, 422),
        (b'{"value": "1"}', {}, 422),
        (b'{"value": 1, "more": 1}', {}, 422),
    ],
)
def test_a_body_is_strict_json_of_limited_size(
    body: object, headers: dict[str, str], status: int
) -> None:
    toy = Toy(max_body_bytes=100)
    [reply] = toy.ask(toy.post("/score", body, **headers))
    assert reply.status == status
    assert status == 200 or reply.json["detail"]


def test_a_fault_names_its_field_and_not_its_value() -> None:
    toy = Toy()
    [reply] = toy.ask(toy.post("/score/batch", [RECORD, {"value": "secret"}]))
    [fault] = reply.json["detail"]
    assert fault == {
        "type": "float_type",
        "loc": ["body", 1, "value"],
        "msg": "Input should be a valid number",
    }


def test_many_faults_are_only_counted() -> None:
    toy = Toy()
    [reply] = toy.ask(toy.post("/score/batch", [{}] * 1001))
    assert [fault["type"] for fault in reply.json["detail"]] == ["too_many_faults"]
