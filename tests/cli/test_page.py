"""The page of `diff --html`, and the vulnerabilities that come and go."""

import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import scaffold
from scaffold.base.lock_changes import compare_locks
from scaffold.base.process import Finished, Runner
from scaffold.cli._app import app
from scaffold.cli._page import report_page
from scaffold.cli._plots import plots
from scaffold.errors import CommandError, ReportNotWrittenError
from scaffold.resolve import Vulnerability
from scaffold.spec import Recording
from scaffold.upgrade import Report
from scaffold.upgrade._answers import compare_recordings
from scaffold.upgrade._report import Change
from scaffold.verbs import diff as diff_verb
from scaffold.verbs.update_result import Update, VulnerabilityChanges

OLD = """fastapi==0.100.0
    # via requirements.in
jinja2==3.1.2
    # via fastapi
gone==1.0
    # via fastapi
same==1.0
    # via fastapi
"""
NEW = OLD.replace("jinja2==3.1.2", "jinja2==3.1.6").replace("gone==1.0", "added==2.0")


class Page(HTMLParser):
    """The tags of a page, with the attributes of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.attributes += [name for name, _ in attrs]
        if tag not in {"meta", "circle", "line", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"circle", "line", "rect"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def recording(answers: Sequence[Any]) -> Recording:
    return Recording(
        requests=tuple({"x": number} for number in range(len(answers))),
        answers=tuple({"prediction": answer} for answer in answers),
    )


def update(**given: Any) -> Update:
    """An update with a breaking change, a conflict, a deleted file and other locked versions."""
    change = Change(what="input <b>age", old="none", new="integer", breaking=True, reason="newly required")
    answers = compare_recordings(recording(given.pop("old")), recording(given.pop("new")))
    return Update(
        root=Path("/projects/titanic"),
        report=Report(
            contract=(change,), model="sha256 1", old_version="1.0.0", new_version="2.0.0", answers=answers
        ),
        files={"app/main.py": "conflict", "app/score.py": "kept deleted"},
        moved={},
        untouched={"app/score.py": "you deleted it, the new state changed it"},
        conflicts={"app/main.py": "line 3"},
        applied=False,
        lock_changes=compare_locks(OLD, NEW),
        **given,
    )


def vulnerability(name: str, id: str) -> Vulnerability:
    return Vulnerability(name=name, version="1.0", id=id, fixed_in=(), description="")


def test_the_page_shows_every_part_and_loads_nothing_from_elsewhere() -> None:
    known = VulnerabilityChanges(added=(vulnerability("added", "PYSEC-2"),), removed=())
    text = report_page(update(old=["a", "b"], new=["b", "b"], vulnerabilities=known, notes=("look here",)))
    page = Page(text)
    assert not page.open
    assert not {"src", "href", "onload"} & set(page.attributes)
    assert "http" not in text
    assert "<b>age" not in text
    wanted = [
        *("titanic 1.0.0 → 2.0.0", "1 breaking change", "1 file in conflict", "input <b>age", "line 3"),
        *("3.1.2 → 3.1.6", "1.0 → none", "none → 2.0", "transitive", "PYSEC-2", "look here"),
        *("Files that get nothing", "you deleted it, the new state changed it"),
    ]
    assert [part for part in wanted if part not in page.text] == []
    assert "same" not in page.text.split("Requirements")[1].split("Files")[0]


def test_numbers_are_points_and_bars_and_labels_a_matrix() -> None:
    numbers = plots([(1.0, 1.5), (2.0, 2.0), (3.0, 2.5)])
    assert numbers.count("<circle") == 3
    assert "1 → 1.5" in numbers
    assert sum(int(found) for found in re.findall(r"(\d+) requests</title>", numbers)) == 3
    matrix = plots([("a", "a"), ("a", "b"), ("a", "b"), ("c", "c")])
    assert "<circle" not in matrix
    assert re.findall(r"<td[^>]*>(\d*)</td>", matrix) == ["1", "2", "", "", "", "", "", "", "1"]
    assert plots([(0, 1), (1, 1)]).startswith('<figure><table class="matrix">')
    assert plots([(number, number + 1) for number in range(40)]).count("<circle") == 40
    assert plots([(True, False)]).startswith('<figure><table class="matrix">')


@pytest.mark.parametrize(
    "pairs",
    [[(0.0, 0.0)], [(1e-300, 2e-300)], [(1e300, -1e300)], [(None, 0.5)], [(float("nan"), 1.0)], [(5.5, 5.5)]],
)
def test_odd_numbers_are_drawn_too(pairs: Any) -> None:
    assert plots(pairs).startswith("<figure>")


def test_numbers_that_cannot_be_drawn_are_left_out_and_told() -> None:
    points: list[tuple[Any, Any]] = [(0.1 * number, 0.1 * number + 1) for number in range(30)]
    drawn = plots([*points, (None, 0.3), (-1e308, 1e308), (float("inf"), 2.5)])
    assert drawn.count("<circle") == 30
    assert drawn.count("3 of 33 requests are left out: null, or too large to draw.</figcaption>") == 2
    assert "left out" not in plots(points)
    assert plots([(-1e308, 1e308), (1e308, 2.5)]).startswith('<figure><table class="matrix">')


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["diff", ".", "--nope"], "No such option"),
        (["diff"], "Missing argument"),
        (["--nope"], "No such option"),
        (["nope"], "No such command"),
    ],
)
def test_a_mistyped_command_does_not_end_as_a_breaking_change(words: list[str], message: str) -> None:
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 1
    assert message in shown.output


def test_labels_that_changed_least_are_left_out() -> None:
    pairs = [(f"kept {number}", f"kept {number}") for number in range(20)] + [("odd", "other")]
    matrix = plots(pairs)
    assert "10 more labels are left out" in matrix
    assert "odd" in matrix
    assert "other" in matrix


def asking(known: Mapping[str, str]) -> Runner:
    """A runner that plays pip-audit, which knows one vulnerability of some distributions."""

    def run(command: Sequence[str], **_: Any) -> Finished:
        lock, report = (Path(command[command.index(option) + 1]) for option in ("--requirement", "--output"))
        found = [
            {
                "name": line.partition("==")[0],
                "version": line.partition("==")[2],
                "vulns": [{"id": known[line], "fix_versions": []}] if line in known else [],
            }
            for line in lock.read_text().splitlines()
            if line[:1].isalpha()
        ]
        report.write_text(json.dumps({"dependencies": found}))
        return Finished(stdout="", stderr="")

    return run


def test_vulnerabilities_of_the_changed_versions_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = update(old=[1.5], new=[2.5])
    monkeypatch.setattr(diff_verb, "update", lambda *_, **__: planned)
    run = asking({"jinja2==3.1.2": "CVE-1", "gone==1.0": "CVE-2", "added==2.0": "CVE-3"})
    found = scaffold.diff("titanic", audit=True, run=run).as_json()["vulnerabilities"]
    assert found == {
        "coming": [{"name": "added", "version": "2.0", "id": "CVE-3", "fixed_in": []}],
        "going": [
            {"name": "gone", "version": "1.0", "id": "CVE-2", "fixed_in": []},
            {"name": "jinja2", "version": "3.1.2", "id": "CVE-1", "fixed_in": []},
        ],
    }
    assert scaffold.diff("titanic", run=run).vulnerabilities is None


def test_a_failed_look_up_is_told_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = update(old=[1.5], new=[2.5])
    monkeypatch.setattr(diff_verb, "update", lambda *_, **__: planned)

    def offline(command: Sequence[str], **_: Any) -> Finished:
        raise CommandError(tuple(command), 1, "no route to host")

    found = scaffold.diff("titanic", audit=True, run=offline)
    assert found.vulnerabilities is None
    assert found.notes == ("vulnerabilities could not be looked up: no route to host",)


def test_diff_writes_the_page_and_names_a_folder_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    planned = update(old=[1.5, 2.5], new=[1.5, 3.5])
    monkeypatch.setattr(diff_verb, "update", lambda *_, **__: planned)
    given = ["diff", "titanic", "--no-audit", "--html"]
    shown = CliRunner().invoke(app, [*given, str(tmp_path / "report.html")])
    assert shown.exit_code == 2
    assert "transitive jinja2 3.1.2 -> 3.1.6, for fastapi" in shown.output
    assert "kept deleted app/score.py: you deleted it, the new state changed it" in shown.output
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = CliRunner().invoke(app, [*given, str(tmp_path / "absent/report.html")])
    assert isinstance(refused.exception, ReportNotWrittenError)
    assert "absent/report.html cannot be written: No such file or directory." in str(refused.exception)
