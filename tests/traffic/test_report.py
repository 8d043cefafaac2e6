"""`scaffold drift` on the command line: the table, the page, JUnit, JSON and the exit status."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

import scaffold
from scaffold.cli._app import app
from scaffold.cli._drift import drift
from scaffold.cli._drift_page import drift_page
from scaffold.cli._drift_words import junit_of
from scaffold.spec import DriftReport, DriftVerdict, Estimate, MetricDrift
from scaffold.traffic import PSI_THRESHOLD
from tests.traffic._passengers import DRIFTING, baseline_of, write_project

NAMES = {"Age": '<script>alert("age")</script>', "Fare": "Fare & \x00 [red]", "Sex": "'"}
VOID = {"meta", "circle", "line", "rect"}


class Page(HTMLParser):
    """The tags and attributes of a page; every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def drifted(tmp_path: Path) -> Path:
    """A log in which Age is in months."""
    path = tmp_path / "drifted.jsonl"
    path.write_text("\n".join(DRIFTING[2].lines(3)))
    return path


@pytest.fixture
def run(titanic: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, ["drift", str(titanic), *map(str, words)])


def test_the_exit_status_tells_drift_from_too_few_rows_only_on_request(
    run: Callable[..., Result], log: Path, drifted: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(log.read_text().splitlines()[:20]))
    for path, status in ((log, 0), (drifted, 5), (few, 6)):
        assert run("--from", path).exit_code == 0
        assert run("--from", path, "--exit-code").exit_code == status
        assert run("--from", path, "--exit-code", "--json").exit_code == status
    assert run("--from", "absent.jsonl", "--exit-code").exit_code == 1
    assert run("--exit-code").exit_code == 1  # --from is missing


def test_the_table_has_a_line_for_each_field_and_the_verdict_last(
    run: Callable[..., Result], drifted: Path
) -> None:
    lines = run("--from", drifted).output.splitlines()
    assert lines[0].startswith("titanic")
    [age] = [line for line in lines if line.split()[:1] == ["Age"]]
    assert re.fullmatch(r" Age +number +\d\.\d{3} +\d\.\d{3} +21% → \d+% +\d+% +drift +", age)
    assert lines[-1] == "✗ Drift in Age, prediction, probability."
    assert inspect.signature(drift).parameters["psi"].default == PSI_THRESHOLD
    assert run("--from", drifted, "--psi", "100").output.splitlines()[-1].startswith("✓ No drift.")


def test_json_has_the_bins(run: Callable[..., Result], drifted: Path) -> None:
    report = json.loads(run("--from", drifted, "--json").output)
    assert (report["verdict"], report["drifted"][0]) == ("drift", "Age")
    age = next(field for field in report["fields"] if field["name"] == "Age")
    assert sum(one["now"] for one in age["bins"]) == pytest.approx(1)
    assert sum(one["then"] for one in age["bins"]) == pytest.approx(1, abs=1e-4)


def test_junit_has_a_case_for_each_field(run: Callable[..., Result], drifted: Path, tmp_path: Path) -> None:
    assert run("--from", drifted, "--junit", tmp_path / "drift.xml").exit_code == 0
    suite = ElementTree.parse(tmp_path / "drift.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("9", "3", "0")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["Age", "prediction", "probability"]


@pytest.fixture
def hostile(drifted: Path, tmp_path: Path) -> DriftReport:
    """A report with names, labels and sources that are markup."""
    root = write_project(tmp_path / "titanic", baseline_of(1, 500))
    report = scaffold.drift(root, str(drifted))
    fields = [
        dataclasses.replace(
            each,
            name=NAMES.get(each.name, each.name),
            bins=tuple(dataclasses.replace(one, label=f"<b>{one.label}") for one in each.bins),
        )
        for each in report.fields
    ]
    estimates = tuple(
        Estimate(start=f"2026-03-{day:02}", rows=9, value=0.5, low=0.4, high=0.6) for day in range(1, 29)
    )
    metric = MetricDrift(
        name="<i>F1</i>",
        recorded_as="f1",
        then=0.9,
        now=estimates[0],
        periods=estimates,
        verdict=DriftVerdict.DRIFT,
    )
    absent = dataclasses.replace(fields[0], name="absent", verdict=DriftVerdict.ABSENT, bins=())
    return dataclasses.replace(
        report,
        project="<titanic>",
        source="a&b.jsonl",
        fields=(*fields, absent),
        metrics=(metric,),
        notes=("<note>",),
    )


def test_the_page_loads_nothing_and_escapes_everything(hostile: DriftReport) -> None:
    text = drift_page(hostile)
    page = Page(text)
    assert not {"script", "img", "link", "titanic", "note"} & {*page.tags}
    assert (page.tags.count("b"), page.tags.count("i")) == (1, 6)  # of the verdict, and of two legends
    assert not re.search(r"https?://|url\(|@import|src=", text)
    assert all(value.startswith("#") for name, value in page.attributes if name == "href" and value)
    anchors = {value for name, value in page.attributes if name == "id"}
    assert {f"#{anchor}" for anchor in anchors} == {
        value for name, value in page.attributes if name == "href"
    }
    assert NAMES["Age"] in page.text
    assert page.text.index("Drift in ") < page.text.index("All fields") < page.text.index("Requests")
    assert page.tags.count("svg") == 10
    assert "prefers-color-scheme: dark" in text


def test_junit_is_xml_whatever_the_names(hostile: DriftReport) -> None:
    suite = ElementTree.fromstring(junit_of(hostile).split("?>", 1)[1])
    names = [case.get("name") for case in suite]
    assert "Fare & \N{REPLACEMENT CHARACTER} [red]" in names
    assert NAMES["Age"] in names


def test_a_report_that_cannot_be_written_is_a_clear_error(
    run: Callable[..., Result], log: Path, tmp_path: Path
) -> None:
    for flag in ("--html", "--junit"):
        result = run("--from", log, flag, tmp_path / "absent" / "report")
        assert result.exit_code == 1
        assert "cannot be written" in str(result.exception)
