"""Generated requests: the service answers as openapi.json says, and never with a server error."""

import json
from typing import TYPE_CHECKING

import pytest

from tests.live.conftest import HEADERS, NO_URL, NOT_INSTALLED, URL
from tests.service import OPENAPI

if TYPE_CHECKING:
    from schemathesis import Case

if not URL:
    pytest.skip(NO_URL, allow_module_level=True)
if not OPENAPI.exists():
    pytest.skip("openapi.json is missing: python -m tests.record", allow_module_level=True)
schemathesis = pytest.importorskip("schemathesis", reason=NOT_INSTALLED)

CONFIGURATION = {
    # The same requests in each run, so that a test fails because of a change.
    "generation": {"deterministic": True, "max-examples": 50},
    # Messages of FastAPI would teach it wrong rules: a missing field is not a blank one.
    "phases": {"fuzzing": {"error-feedback": {"enabled": False}}},
    "checks": {
        # A wrong record may also be too large (413), or be sent as another media type (415).
        "negative_data_rejection": {"expected-statuses": [400, 405, 413, 415, 422]},
        # OpenAPI cannot say all that a record must be: an image, a time without a zone, what a
        # validator checks. What must be accepted is in test_answers.py and test_edge_cases.py.
        "positive_data_acceptance": {"enabled": False},
    },
}

description = json.loads(OPENAPI.read_text(encoding="utf-8"))
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
    try:
        case.call_and_validate()
    except schemathesis.core.failures.FailureGroup as found:
        raise AssertionError(f"{case.method} {case.path}: {found.message}") from None
