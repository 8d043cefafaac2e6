"""`scaffold test`: bad input is one message, and results are a table and an exit status."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import scaffold
from scaffold.base.client import free_port
from scaffold.cli import main
from scaffold.spec import Check, LiveTests, Outcome, Suite
from scaffold.verbs import test as verb

SERVICE = Path(__file__).parents[2] / "examples/titanic/service"
URL = "http://127.0.0.1:1"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `scaffold test` in `tmp_path`; return its exit status and both streams."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verb, "_WAIT_S", 0.1)

    def typed(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scaffold", "test", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err.removeprefix("✗ ")

    return typed


REFUSED = [
    (["--url", URL, "--stress", "--users", "0"], "0 is no number of users: at least 1 is wanted.\n"),
    (["--url", URL, "--stress", "--for", "soon"], "'soon' is no duration of 5 s or more, in hours, min"),
    (["--url", URL, "--stress", "--for", "4s"], "'4s' is no duration of 5 s or more"),
    (["--url", URL, "--users", "8"], "--users belongs to the stress test. Add:\n  --stress\n"),
    (["--url", URL, "--for", "60s"], "--for belongs to the stress test. Add:\n  --stress\n"),
    (["--url", URL, "--html", "load.html"], "--html belongs to the stress test. Add:\n  --stress\n"),
    (["--url", URL, "--junit", "absent/report.xml"], "report.xml cannot be written: there is no such folder"),
    (["--url", URL, "--header", "no header"], "The header number 1 is none"),
    (["--url", "titanic.example.org"], "'titanic.example.org' is no address of a service.\n  --url https"),
    (["--url", "ftp://titanic"], "'ftp://titanic' is no address of a service."),
    (["--url", "http://host:port"], "'http://host:port' is no address of a service."),
    (
        ["--url", "https://ada:secret@host/"],
        "'https://host/ with a login, a query or a fragment' is no address of a service.",
    ),
    (["--url", URL, "--target", "staging"], f"Name the target 'staging' or the URL {URL}, not both."),
    ([], "Say where the service runs:\n  --url https://titanic.example.org\n  --target staging\n"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_an_option_that_cannot_be_used_is_one_message(run: Run, options: list[str], message: str) -> None:
    status, out, err = run(SERVICE, *options)
    assert (status, out) == (1, "")
    assert message in err
    assert list(Path().iterdir()) == []


def test_a_folder_that_is_no_project_is_named(run: Run) -> None:
    status, _, err = run("--url", URL)
    assert status == 1
    assert err.startswith(". is no generated project")
    assert "scaffold test titanic-service" in err


def test_a_project_of_an_older_version_is_told_to_update(run: Run) -> None:
    shutil.copytree(SERVICE, "old", ignore=shutil.ignore_patterns("live", "load"))
    status, _, err = run("old", "--url", URL)
    assert status == 1
    assert "tests/live/requirements.txt, tests/load/locustfile.py is missing" in err
    assert "scaffold update old" in err


def test_a_url_where_no_service_answers_is_named(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}/titanic"
    status, _, err = run(SERVICE, "--url", f"{url}/")
    assert status == 1
    assert err.startswith(f"No service is ready at {url}.\n  GET {url}/readyz: ")
    assert "refused" in err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90", 90), ("1m30s", 90), ("2m", 120), ("1h", 3600), (None, 60)]
)
def test_a_duration_is_read(text: str | None, seconds: int) -> None:
    assert verb._seconds(text) == seconds


def check(name: str, outcome: Outcome, detail: str = "") -> Check:
    return Check(name=name, outcome=outcome, detail=detail)


def test_the_cases_of_a_test_are_one_row_and_its_failures_one_each(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = (
        check("test_a_record_gets_its_answer[0]", Outcome.PASSED),
        check("test_a_record_gets_its_answer[1]", Outcome.FAILED, "assert 0 == 1\n + where"),
        check("test_it_is_ready", Outcome.SKIPPED, "no reason"),
    )
    load = (check("p95", Outcome.PASSED, "31 ms; at most 500 ms"),)
    found = LiveTests(
        url=URL,
        suites=(
            Suite(name="functional", checks=checks, seconds=1.0),
            Suite(name="stress", checks=load, seconds=60.0),
        ),
    )
    monkeypatch.setattr(scaffold, "test", lambda project, **options: found, raising=False)
    status, out, _ = run(SERVICE, "--url", URL)
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert status == 1
    assert rows == [
        "test result",
        "functional",
        "✗ a record gets its answer 1 of 2",
        "1 assert 0 == 1 + where",
        "- it is ready no reason",
        "stress",
        "✓ p95 31 ms; at most 500 ms",
        f"✗ 1 test failed at {URL}",
    ]
    status, out, _ = run(SERVICE, "--url", URL, "--json")
    document = json.loads(out)
    assert (status, document["passed"], document["suites"][1]["checks"][0]["outcome"]) == (1, False, "passed")
