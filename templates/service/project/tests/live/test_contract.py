"""Generated requests: the service answers as openapi.json says, and never with a server error."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.conftest import HEADERS, NO_URL, NOT_INSTALLED, URL
from tests.service import OPENAPI, RECORDED

if TYPE_CHECKING:
    from schemathesis import Case

if not URL:
    pytest.skip(NO_URL, allow_module_level=True)
if not OPENAPI.exists():
    pytest.skip("openapi.json is missing: python -m tests.record", allow_module_level=True)
schemathesis = pytest.importorskip("schemathesis", reason=NOT_INSTALLED)
hypothesis = pytest.importorskip("hypothesis")

CONFIGURATION = {
    # The same requests in each run, so that a test fails because of a change.
    "generation": {"deterministic": True, "max-examples": 50},
    # Messages of FastAPI would teach it wrong rules: a missing field is not a blank one.
    "phases": {"fuzzing": {"error-feedback": {"enabled": False}}},
    # A wrong record may also be too large (413), or be sent as another media type (415).
    "checks": {"negative_data_rejection": {"expected-statuses": [400, 405, 413, 415, 422]}},
}


def whole(value: Any) -> Any:
    """Return JSON with 1 for each 1.0: FastAPI writes the bounds of integers as floats, and in
    a strict schema 1.0 may be no integer.
    """
    match value:
        case float() if value.is_integer() and abs(value) <= 2**64:
            return int(value)
        case list():
            return [whole(item) for item in value]
        case dict():
            return {key: whole(item) for key, item in value.items()}
    return value


text = OPENAPI.read_text(encoding="utf-8")
# OpenAPI cannot say that a time must have no zone, as those of this sample.
if re.search(r'"\d{4}-\d\d-\d\dT[\d:.]+"', RECORDED.read_text(encoding="utf-8")):
    text = text.replace('"date-time"', '"local-time"')
times = hypothesis.strategies.datetimes().map(lambda time: time.isoformat())
schemathesis.openapi.format("local-time", times)

description = whole(json.loads(text))
for operations in description["paths"].values():
    for operation in operations.values():
        # What FastAPI refuses before a route has the body; it describes 422 alone.
        refusals = {status: {"description": "Refused"} for status in ("400", "413", "415")}
        operation["responses"] = {**refusals, **operation["responses"]}
schema = schemathesis.openapi.from_dict(
    description, config=schemathesis.Config.from_dict(CONFIGURATION)
)
schema.config.update(base_url=URL, headers=HEADERS)


@schema.parametrize()
def test_the_contract(case: "Case") -> None:
    case.body = whole(case.body)
    try:
        case.call_and_validate()
    except schemathesis.core.failures.FailureGroup as found:
        raise AssertionError(f"{case.method} {case.path}: {found.message}") from None
