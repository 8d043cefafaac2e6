"""Results of tests in JUnit's XML: read, and joined into one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from scaffold.spec import Check, Outcome, Suite


def read_suite(path: Path, name: str) -> Suite:
    """Return the results in a file of JUnit.

    Args:
        path: The file.
        name: What the suite is called.

    Raises:
        OSError: The file is not there.
        ValueError: It is no XML.
    """
    suites = _suites(path)
    return Suite(
        name=name,
        checks=tuple(_check(case) for suite in suites for case in suite.iter("testcase")),
        seconds=sum(float(suite.get("time") or 0) for suite in suites),
    )


def join_suites(parts: Sequence[tuple[str, Path]], target: Path) -> None:
    """Write the suites of several files into one.

    Args:
        parts: The name of each suite, and its file.
        target: The file to write.

    Raises:
        OSError: It cannot be written.
    """
    root = Element("testsuites")
    for name, path in parts:
        for suite in _suites(path):
            suite.set("name", name)
            root.append(suite)
    ElementTree.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)


def _suites(path: Path) -> list[Element]:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - our own tests wrote it
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    return [root] if root.tag == "testsuite" else root.findall("testsuite")


def _check(case: Element) -> Check:
    outcome, detail = Outcome.PASSED, (case.findtext("system-out") or "").strip()
    for tag, failed_outcome in (
        ("skipped", Outcome.SKIPPED),
        ("failure", Outcome.FAILED),
        ("error", Outcome.FAILED),
    ):
        if (element := case.find(tag)) is not None:
            outcome, detail = failed_outcome, element.get("message") or (element.text or "").strip()
    return Check(name=case.get("name", ""), outcome=outcome, detail=detail)
