"""The report of `diff` as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from scaffold.cli._html import html_page
from scaffold.cli._plots import plots
from scaffold.errors.wording import counted

if TYPE_CHECKING:
    from scaffold.upgrade import Report
    from scaffold.verbs.update_result import Update

_MOST_PLACES = 6
"""Places of the answers that are drawn, those with the most changes first."""

_STYLE = """
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
h3 code { font-family: ui-monospace, monospace; }
.lead { margin: .2rem 0 1rem; }
p .badge { margin-right: .4rem; }
td, th { vertical-align: top; overflow-wrap: anywhere; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; }
figcaption { font-size: .85rem; max-width: 24rem; margin-top: .4rem; }
svg text { font-size: 12px; }
svg .tick { font-size: 11px; }
svg .same { stroke: var(--soft); stroke-dasharray: 5 4; }
svg .points circle { fill: var(--now); fill-opacity: .65; stroke: var(--back); stroke-width: .5; }
svg .bars rect { fill: var(--now); fill-opacity: .8; }
table.matrix { width: auto; }
table.matrix td, table.matrix th { border: 1px solid var(--line); padding: .4rem .9rem; text-align: right; }
table.matrix th { font: 600 .85rem ui-monospace, monospace; }
table.matrix .corner { color: var(--soft); font-size: .8rem; }
"""


@dataclass(frozen=True, slots=True)
class _Badge:
    """A word of a table that is shown in a colour."""

    text: str
    style: str


_BREAKING, _COMPATIBLE = _Badge("breaking", "bad"), _Badge("compatible", "good")
_COMES, _GOES = _Badge("comes", "bad"), _Badge("goes", "good")


def report_page(update: Update) -> str:
    """The page: what changes for callers, the answers of both models, requirements, files and notes."""
    report = update.report
    title = f"{update.root.resolve().name} {report.old_version} → {report.new_version}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(_lead(update))}</p>',
        f"<p>{''.join(_badges(update))}</p>",
        _contract(report),
        _answers(report),
        _requirements(update),
        _vulnerabilities(update),
        _files(update),
        _list("Notes", ("",), [(note,) for note in update.notes]),
    ]
    return html_page(title, _STYLE, parts)


def _lead(update: Update) -> str:
    if update.is_empty:
        return "Up to date: nothing changes."
    model = f"Another model: {update.report.model}" if update.report.model else "The model stays the same"
    return f"{model}. What an update would change; nothing is written yet."


def _badges(update: Update) -> Iterable[str]:
    breaking, conflicts = len(update.report.breaking), len(update.conflicts)
    if breaking:
        yield f'<span class="badge bad">{counted(breaking, "breaking change")}</span>'
    if conflicts:
        yield f'<span class="badge warn">{counted(conflicts, "file")} in conflict</span>'
    if not breaking and not conflicts:
        yield '<span class="badge good">compatible</span>'
    answers = update.report.answers
    if answers and answers.differing:
        yield f'<span class="badge warn">{answers.differing} of {answers.compared} answers change</span>'


def _contract(report: Report) -> str:
    if not report.contract:
        return "<h2>For callers</h2><p>Callers send and get the same fields as before.</p>"
    rows = [
        (each.what, _arrow(each.old, each.new), _badge(each.breaking), each.reason)
        for each in report.contract
    ]
    return _list("For callers", ("field", "change", "", "reason"), rows)


def _arrow(old: str, new: str) -> str:
    return f"{old} → {new}"


def _badge(is_breaking: bool) -> _Badge:
    return _BREAKING if is_breaking else _COMPATIBLE


def _answers(report: Report) -> str:
    answers = report.answers
    if answers is None:
        return ""
    parts = [f"<h2>Answers</h2><p>{escape(_sentence(str(answers)))}</p>"]
    changed = {path: sum(old != new for old, new in pairs) for path, pairs in answers.values.items()}
    paths = sorted(answers.values, key=lambda path: -changed[path])
    parts += [
        f'<h3><code>{escape(path)}</code></h3><div class="plots">{plots(answers.values[path])}</div>'
        for path in paths[:_MOST_PLACES]
    ]
    if len(paths) > _MOST_PLACES:
        parts.append(f"<p>{len(paths) - _MOST_PLACES} more places of the answers are not drawn.</p>")
    if answers.worst:
        some = "Some of the changed labels" if answers.classes else "The largest differences"
        parts.append(f"<h3>{some}</h3>")
        parts.append(f"<ol>{''.join(f'<li>{escape(line)}</li>' for line in answers.worst)}</ol>")
    return "".join(parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _requirements(update: Update) -> str:
    direct = [
        (each.what, _arrow(each.old, each.new), _badge(each.breaking), each.reason)
        for each in update.report.requirements
    ]
    others = [
        (each.name, _arrow(*each.versions), "transitive", f"for {', '.join(each.required_by)}")
        for each in update.transitive
    ]
    return _list("Requirements", ("distribution", "version", "", "reason"), [*direct, *others])


def _vulnerabilities(update: Update) -> str:
    vulnerabilities = update.vulnerabilities
    if vulnerabilities is None:
        return ""
    if not vulnerabilities.added and not vulnerabilities.removed:
        return "<h2>Known vulnerabilities</h2><p>None comes or goes with the changed versions.</p>"
    rows = [
        (badge, each.id, f"{each.name} {each.version}", ", ".join(each.fixed_in) or "not fixed yet")
        for badge, side in ((_COMES, vulnerabilities.added), (_GOES, vulnerabilities.removed))
        for each in side
    ]
    return _list("Known vulnerabilities", ("", "id", "distribution", "fixed in"), rows)


def _files(update: Update) -> str:
    rows = [
        (
            _Badge(outcome, "warn") if path in update.conflicts else outcome,
            path,
            update.conflicts.get(path) or update.moved.get(path, ""),
        )
        for path, outcome in update.files.items()
        if path not in update.untouched
    ]
    untouched = [(outcome, path) for path, outcome in update.untouched.items()]
    return _list("Files", ("outcome", "file", ""), rows) + _list(
        "Files that get nothing", ("why", "file"), untouched
    )


def _list(title: str, heads: Sequence[str], rows: Iterable[Sequence[str | _Badge]]) -> str:
    """Return a section with a table, or an empty string without rows."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    if not body:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    shown = f"<tr>{head}</tr>" if any(heads) else ""
    return f"<h2>{escape(title)}</h2><table>{shown}{body}</table>"


def _cell(content: str | _Badge) -> str:
    if isinstance(content, _Badge):
        return f'<td><span class="badge {content.style}">{escape(content.text)}</span></td>'
    return f"<td>{escape(content)}</td>"
