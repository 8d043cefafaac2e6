"""Load on the deployed service, in stages up to a number of users.

    python -m locust -f tests/load/locustfile.py --headless --host http://localhost:8000 \\
        --users 64 --run-time 60s --html load.html --junit load.xml

Each user sends its next request when the last one is answered. The exit status is 1 if a limit
below is exceeded while all users are there. SERVICE_HEADERS has headers, as in tests/live.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from locust import FastHttpUser, LoadTestShape, events, task

# The limits: set them to what your callers need.
MAX_FAILED = 0.01  # of the requests
MAX_P95_MS = 500.0
MIN_REQUESTS_PER_S = 20.0
# Until which part of the time there is which part of the users.
STAGES = ((0.2, 0.25), (0.4, 0.5), (1.0, 1.0))
DEFAULT_TIME_S = 60

RECORDED = Path(__file__).parents[1] / "recorded.json"
RECORDS = json.loads(RECORDED.read_text(encoding="utf-8"))["requests"]


def draw_record() -> Any:
    """Return a record whose plain values are each from another row of the sample.

    If fields depend on each other, return `random.choice(RECORDS)` instead.
    """
    row = random.choice(RECORDS)  # noqa: S311
    if not isinstance(row, dict):
        return row
    others = random.choices(RECORDS, k=len(row))  # noqa: S311
    return {
        name: value if isinstance(value, dict | list) else other.get(name, value)
        for (name, value), other in zip(row.items(), others, strict=True)
    }


class Caller(FastHttpUser):
    """One record at a time, and now and then a batch."""

    insecure = False  # certificates are checked
    network_timeout = connection_timeout = 30.0
    default_headers = json.loads(os.environ.get("SERVICE_HEADERS", "{}"))

    @task(9)
    def score(self) -> None:
        """Score one record."""
        self.client.post("/score", json=draw_record())

    @task(1)
    def score_batch(self) -> None:
        """Score ten records in one request."""
        self.client.post("/score/batch", json=[draw_record() for _ in range(10)])


class FullLoad:
    """The requests that ended while all users were there."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.seconds = 0.0
        self.failed = 0
        self.times_ms: list[float] = []

    def limits(self) -> dict[str, tuple[bool, str]]:
        """Return for each limit whether it is kept, and what was measured."""
        count = len(self.times_ms)
        if not count:
            return {"requests": (False, "no request ended while all users were there")}
        failed = self.failed / count
        p95_ms = sorted(self.times_ms)[int(0.95 * count)]
        rate = (count - self.failed) / self.seconds
        return {
            "failures": (
                failed <= MAX_FAILED,
                f"{failed:.2%} of {count:,} requests; at most {MAX_FAILED:.2%}",
            ),
            "p95": (p95_ms <= MAX_P95_MS, f"{p95_ms:,.0f} ms; at most {MAX_P95_MS:,.0f} ms"),
            "throughput": (
                rate >= MIN_REQUESTS_PER_S,
                f"{rate:,.0f} requests/s; at least {MIN_REQUESTS_PER_S:,.0f}",
            ),
        }


full_load = FullLoad()


class Stages(LoadTestShape):
    """A quarter of the users, half of them, then all of them for the rest of the time."""

    use_common_options = True  # --users and --run-time

    def tick(self) -> tuple[int, float] | None:
        """Return the number of users now, and how many start in a second; None at the end."""
        options = self.runner.environment.parsed_options
        now_s, total_s = self.get_run_time(), options.run_time or DEFAULT_TIME_S
        if full_load.began is not None:
            full_load.seconds = time.perf_counter() - full_load.began
        elif self.get_current_user_count() == options.num_users and now_s > STAGES[-2][0] * total_s:
            full_load.began = time.perf_counter()
        self.tell()
        for until, share in STAGES:
            if now_s < until * total_s:
                return max(1, round(share * options.num_users)), options.num_users
        return None

    def tell(self) -> None:
        """Print one line on how it goes."""
        total = self.runner.stats.total
        p95_ms = total.get_current_response_time_percentile(0.95) or 0
        print(
            f"{self.get_current_user_count()} users, {total.current_rps:,.0f} requests/s, "
            f"p95 {p95_ms:,.0f} ms, {total.num_failures:,} failed",
            flush=True,
        )


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Add `--junit`."""
    parser.add_argument("--junit", metavar="FILE", help="Write the limits as JUnit XML.")


@events.request.add_listener
def count(response_time: float, exception: Exception | None, **_: Any) -> None:
    """Count a request that ended."""
    if full_load.began is not None:
        full_load.times_ms.append(response_time)
        full_load.failed += exception is not None


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """Compare with the limits, and set the exit status."""
    limits = full_load.limits()
    for name, (kept, measured) in limits.items():
        print(f"{'kept' if kept else 'EXCEEDED':<9} {name}: {measured}", flush=True)
    environment.process_exit_code = 0 if all(kept for kept, _ in limits.values()) else 1
    if path := environment.parsed_options.junit:
        write_junit(path, limits)


def write_junit(path: str, limits: dict[str, tuple[bool, str]]) -> None:
    """Write each limit as a test."""
    failures = str(sum(not kept for kept, _ in limits.values()))
    seconds = f"{full_load.seconds:.3f}"
    suite = ElementTree.Element(
        "testsuite", name="load", tests=str(len(limits)), failures=failures, time=seconds
    )
    for name, (kept, measured) in limits.items():
        case = ElementTree.SubElement(suite, "testcase", classname="tests.load", name=name)
        if not kept:
            ElementTree.SubElement(case, "failure", message=measured)
        ElementTree.SubElement(case, "system-out").text = measured
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
