"""The result of the stress test on top of locust's report, which knows no limits."""

from __future__ import annotations

import html
import re
from pathlib import Path

from scaffold.spec import Check, Outcome, Suite

_BODY = re.compile(r"^[ \t]*<body[^>]*>", re.MULTILINE)
"""At the start of a line: the scripts of the page name the tag too."""
_COLOURS = {Outcome.PASSED: "#1b7f3b", Outcome.FAILED: "#b3261e", Outcome.SKIPPED: "#666666"}


def add_result(report: Path, suite: Suite) -> None:
    """Write the limits, and whether they were kept, at the top of a page of locust.

    A page of another form stays as it is.
    """
    try:
        page = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    rows = "".join(map(_row, suite.checks))
    table = f'<table style="margin:2em 4em;font:16px sans-serif;line-height:1.6">{rows}</table>'
    if match := _BODY.search(page):
        report.write_text(page[: match.end()] + table + page[match.end() :], encoding="utf-8")


def _row(check: Check) -> str:
    cell = '<td style="padding-right:1.5em{}">{}</td>'
    result = cell.format(f";color:{_COLOURS[check.outcome]}", check.outcome.value)
    others = (cell.format("", html.escape(text)) for text in (check.name, check.detail))
    return f"<tr>{result}{''.join(others)}</tr>"
