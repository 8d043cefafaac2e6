"""The tests of the Titanic service against the running service: as it is, with a key, and slow."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import scaffold
from scaffold.environments import install_tools
from scaffold.errors import ServiceKeyError, SuiteBrokeOffError
from scaffold.proof import LiveRun, Load, make_environment, run_functional_test, run_stress_test
from scaffold.proof._report import add_result
from scaffold.proof._service import Service, start_service
from scaffold.spec import Check, Outcome, Suite
from tests.upgrade._edits import edit

EXAMPLE = Path(__file__).parents[2] / "examples/titanic/service"
KEY = "a key of this test"
CELL = '<td style="padding-right:1.5em">'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("live") / "titanic"
    return Path(shutil.copytree(EXAMPLE, root))


@pytest.fixture(scope="module")
def python(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(project, tmp_path_factory.mktemp("environment") / "env", python="3.11")


@pytest.fixture
def service(project: Path, python: Path) -> Iterator[Service]:
    """The service, which wants an API key."""
    settings = {"API_KEY_HASHES": hashlib.sha256(KEY.encode()).hexdigest()}
    with start_service(project, python, settings=settings) as running:
        yield running


def test_tests_that_cannot_be_collected_are_shown(tmp_path: Path) -> None:
    (tmp_path / "tests/live").mkdir(parents=True)
    (tmp_path / "tests/live/test_owner.py").write_text("import a_module_of_nobody\n")
    run = LiveRun(root=tmp_path, python=Path(sys.executable), url="http://127.0.0.1:1")
    with pytest.raises(SuiteBrokeOffError) as caught:
        run_functional_test(run, tmp_path / "report.xml")
    assert str(caught.value).startswith("The functional test broke off (exit status 2):\n")
    assert "No module named 'a_module_of_nobody'" in str(caught.value)


def test_limits_stand_on_top_of_a_report(tmp_path: Path) -> None:
    page = tmp_path / "load.html"
    page.write_text("<script>'<body>'</script>\n  <body>\n    <div></div>\n  </body>\n")
    check = Check(name="p95", outcome=Outcome.FAILED, detail="<b> at most 500 ms")
    add_result(page, Suite(name="stress", checks=(check,), seconds=1.0))
    before, table, after = re.split(r"(<table.*</table>)", page.read_text())
    assert "&lt;b&gt; at most 500 ms" in table
    assert before == "<script>'<body>'</script>\n  <body>"
    assert after == "\n    <div></div>\n  </body>\n"
    other = tmp_path / "other.html"
    other.write_bytes(b"\xff")
    add_result(other, Suite(name="stress", checks=(check,), seconds=1.0))
    assert other.read_bytes() == b"\xff"


@pytest.mark.slow
def test_the_service_passes_and_leaves_two_reports(
    service: Service, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(project.rglob("*"))
    with pytest.raises(ServiceKeyError, match="requires an API key"):
        scaffold.test(project, url=service.url)
    monkeypatch.setenv("SCAFFOLD_API_KEY", KEY)
    junit, html = tmp_path / "report.xml", tmp_path / "load.html"
    found = scaffold.test(
        project, url=service.url, stress=True, users=8, duration="6s", junit=junit, html=html
    )
    failed = [check for suite in found.suites for check in suite.checks if check.outcome is Outcome.FAILED]
    assert (failed, found.passed) == ([], True)
    functional, stress = found.suites
    names = [check.name.partition("[")[0] for check in functional.checks]
    assert names.count("test_a_record_gets_the_recorded_answer") == 100
    assert names.count("test_an_edge_case_of_the_schema") > 20
    assert names.count("test_the_contract") == 4
    assert [check.name for check in stress.checks] == ["failures", "p95", "throughput"]
    suites = ElementTree.parse(junit).getroot().findall("testsuite")
    assert [(suite.get("name"), suite.get("failures")) for suite in suites] == [
        ("functional", "0"),
        ("stress", "0"),
    ]
    page = html.read_text()
    assert "/score/batch" in page
    assert all(check.detail in page for check in stress.checks)
    assert sorted(project.rglob("*")) == before


@pytest.mark.slow
def test_a_service_that_is_slow_exceeds_the_limits(project: Path, python: Path, tmp_path: Path) -> None:
    slow = Path(shutil.copytree(project, tmp_path / "slow"))
    inputs = "    inputs = to_model(records)\n"
    edit(
        slow,
        "app/score.py",
        (inputs, f"    time.sleep(1)\n{inputs}"),
        ("import pickle\n", "import pickle, time\n"),
    )
    tools = install_tools(slow / "tests/live/requirements.txt")
    with start_service(slow, python) as running:
        run = LiveRun(root=slow, python=tools, url=running.url)
        suite = run_stress_test(run, Load(8, 6), tmp_path / "load.xml", tmp_path / "load.html")
    outcomes = {check.name: check.outcome for check in suite.checks}
    assert outcomes == {"failures": Outcome.PASSED, "p95": Outcome.FAILED, "throughput": Outcome.FAILED}
    assert suite.checks[1].detail.endswith("at most 500 ms")
    assert (
        f"failed</td>{CELL}p95</td>{CELL}{suite.checks[1].detail}</td>"
        in (tmp_path / "load.html").read_text()
    )
