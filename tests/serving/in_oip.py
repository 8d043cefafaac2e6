"""Runs in a project with the protocol `oip`: both ways to read a request give the same.

    python in_oip.py [EXAMPLES]

The last line counts the examples that were read and those that were refused, in each way.
"""

import asyncio
import collections
import importlib
import json
import pathlib
import sys
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path.cwd()))
oip: Any = importlib.import_module("app.protocols.oip")
FLAT = frozenset(oip.FLAT)
LOOP = asyncio.new_event_loop()
COUNTS: collections.Counter[str] = collections.Counter()

VALUES = [
    "null", "true", "false", "0", "-0", "-0.0", "1.0", "1e2", "1E-2", "0.1", "5e-324", "1e-400",
    "1.7976931348623157e308", "9007199254740993", "9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", '""', '"a:b"', '":"', '"NaN"', r'"\u00e9\n\/"',
    r'"\ud83d\ude00"', '"\x7f"', '"\ufeff"', '"\u2028"', '"1"', "[]", '{"a": 1}', "[" * 250 + "]" * 250,
]  # fmt: skip
# In a tensor and in a request; what a token is replaced by.
MORE = [*[""] * 20, ', "more": 1', ', "parameters": null', ', "id": "7"', ', "id": null']
IN_TENSOR = [*MORE, ', "parameters": {"encoding": "json"}', ', "name": "age"', ', "data": [1]']
IN_REQUEST = [*MORE, ', "id": "a:b"', ', "outputs": []', ', "outputs": [{"name": "a"}]', ', "inputs": []']
FAULTS = [
    "01", "+1", ".5", "5.", "1e", "0x1", "1_0", "1e400", "-1e400", "1.7976931348623159e308", "NaN", "-NaN",
    "Infinity", "none", "True", '"a', "'a'", r'"\ud83d"', r'"\udc00\ud83d"', r'"\x"', '"\t"', '"\x00"',
    "\ufeff", "{}", '{"a": 1, "a": 2}', "[" * 2000,
    "9" * 5000, "", " ", "[1.0]", "[-1]", "[true]", '["1"]', '"FP128"', '"fp64"', '"INT64"', '"other"',
    '"parameters"', '"outputs"', '"id"', r'"\u0069d"',
]  # fmt: skip
texts = st.builds(json.dumps, st.text(max_size=4), ensure_ascii=st.booleans())
numbers = st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
values = st.sampled_from(VALUES) | texts | numbers


@st.composite
def bodies(draw: Any) -> bytes:
    """Draw a request that is flat or nearly, some of whose tokens are replaced or doubled."""
    count = draw(st.integers(0, 2))
    counts = st.sampled_from([count] * 9 + [0, 1, 2])
    names = draw(st.lists(st.sampled_from([*sorted(FLAT) * 3, "other"]), min_size=1, unique=True))
    tokens = ["{", '"inputs"', ":", "["]
    for name in [*names, *draw(st.sampled_from([[]] * 9 + [names[:1]]))]:
        shape = draw(st.sampled_from([f"[{draw(counts)}]"] * 20 + [f"[{count}, 1]"]))
        tokens += ["{", '"name"', ":", json.dumps(name), ",", '"shape"', ":", shape, ","]
        tokens += ['"datatype"', ":", '"FP64"', ",", '"data"', ":", "["]
        tokens += [token for _ in range(draw(counts)) for token in (draw(values), ",")][:-1]
        tokens += ["]", draw(st.sampled_from(IN_TENSOR)), "}", ","]
    tokens[-1:] = ["]", draw(st.sampled_from(IN_REQUEST)), "}"]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.sampled_from(FAULTS) | st.sampled_from(tokens))
        tokens[at : at + draw(st.integers(0, 1))] = [other]
    body: bytes = draw(st.sampled_from(["", " ", "\n"])).join(tokens).encode()
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.sampled_from([b""] * 20 + [b"\xff", b"\xc0\xaf"])) + body[at:]


def outcome(body: bytes, flat: frozenset[str]) -> str:
    """Return what a body is read as, or why it is refused."""
    request = Request({"type": "http", "headers": [(b"content-type", b"application/json")]})
    request._body = body
    oip.FLAT = flat
    try:
        asked, records = LOOP.run_until_complete(oip.read_request(request))
    except HTTPException as error:
        return repr((error.status_code, error.detail))
    except RequestValidationError as error:
        return repr(error.errors())
    wishes = {key: asked[key] for key in ("id", "outputs", "parameters") if asked.get(key) is not None}
    return f"read {wishes} {records}"


@settings(
    max_examples=int(sys.argv[1]) if sys.argv[1:] else 1000,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)
@given(bodies())
def compare(body: bytes) -> None:
    otherwise, found = outcome(body, frozenset()), outcome(body, FLAT)
    assert found == otherwise, body
    way = "flat" if found.startswith("read") and oip.read_flat(body) else "otherwise"
    COUNTS[f"read {way}" if found.startswith("read") else "refused"] += 1


compare()
print(json.dumps(COUNTS))
