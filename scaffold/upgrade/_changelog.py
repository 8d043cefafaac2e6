"""The entry of a new version in the project's changelog."""

from __future__ import annotations

from scaffold.upgrade._report import Report


def changelog_entry(report: Report) -> str:
    """Return the entry of the new version in the project's changelog."""
    lines = [f"## {report.new_version}", ""]
    if report.model:
        lines += [f"Another model: {report.model}.", ""]
    lines += [f"- {'**breaking** ' if change.breaking else ''}{change}" for change in report.changes]
    return "\n".join(lines).rstrip() + "\n\n"
