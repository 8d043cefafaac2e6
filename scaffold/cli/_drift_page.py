"""The report of `drift` as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from scaffold.cli._drift_plots import bars, over_time
from scaffold.cli._drift_words import cells_of, metric_line, p_words, percent, summary_of, verdict_line
from scaffold.cli._html import html_page
from scaffold.spec import DriftReport, DriftVerdict, FieldDrift, MetricDrift

_STYLE = """
h3 { font: 600 1rem ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; }
.verdict { font-size: 1.1rem; border-radius: .5rem; padding: .6rem 1rem; overflow-wrap: anywhere; }
.facts { font-size: .85rem; margin: .2rem 0 .4rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
td:nth-child(n+3):nth-child(-n+7), th:nth-child(n+3):nth-child(-n+7) { text-align: right; }
td:first-child { overflow-wrap: anywhere; min-width: 8rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
  scroll-margin-top: 1rem; }
.card header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .35rem; }
svg { width: 100%; height: auto; display: block; }
svg .then, .legend .then { fill: var(--then); background: var(--then); }
svg .now, .legend .now { fill: var(--now); background: var(--now); }
svg .outside, .legend .outside { fill: var(--outside); background: var(--outside); }
svg .training { stroke: var(--outside); stroke-dasharray: 5 4; stroke-width: 1.5; }
svg .interval { stroke: var(--now); stroke-opacity: .5; stroke-width: 2; }
svg .point { fill: var(--now); }
"""
_BADGES = {
    DriftVerdict.DRIFT: "bad",
    DriftVerdict.STABLE: "good",
    DriftVerdict.SLIGHT: "warn",
    DriftVerdict.TOO_FEW: "warn",
    DriftVerdict.UNKNOWN: "warn",
    DriftVerdict.ABSENT: "warn",
}
_LEGEND = (
    '<p class="legend facts"><span><i class="then"></i>baseline</span><span><i class="now"></i>now</span>'
    '<span><i class="outside"></i>now, unseen in the baseline</span></p>'
)


def drift_page(report: DriftReport) -> str:
    """The page: the verdict, a table of all fields, then a plot of each, those that drifted first."""
    title = f"Drift of {report.project} {report.version}".rstrip()
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(summary_of(report))}</p>',
        f'<p class="verdict {_BADGES[report.verdict]}"><b>{escape(verdict_line(report))}</b></p>',
        *(f'<p class="facts">Note: {escape(note)}.</p>' for note in report.notes),
        _table(report),
        _metrics(report.metrics),
        _cards("Predictions", report.predictions, _anchors(report)),
        _cards("Requests", report.fields, _anchors(report)),
        _method(report),
    ]
    return html_page(title, _STYLE, parts)


def _table(report: DriftReport) -> str:
    head = ("field", "kind", "PSI", "Jensen-Shannon", "missing", "unseen", "out of range", "verdict")
    compared = _drifted_first((*report.predictions, *report.fields))
    anchors = _anchors(report)
    rows = []
    for each in compared:
        name, *cells = cells_of(each)
        link = f'<a href="#{anchors[id(each)]}">{escape(name)}</a>' if each.bins else escape(name)
        row = [link, *map(escape, cells), _badge(each)]
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>")
    return (
        '<h2>All fields</h2><div class="wide"><table><tr>'
        f"{''.join(f'<th>{name}</th>' for name in head)}</tr>{''.join(rows)}</table></div>"
    )


def _drifted_first(compared: Sequence[FieldDrift]) -> list[FieldDrift]:
    return sorted(compared, key=lambda each: (each.verdict is not DriftVerdict.DRIFT, -each.psi))


def _anchors(report: DriftReport) -> dict[int, str]:
    """Return the anchor of each field by its identity: names of fields may be any text."""
    return {
        id(each): f"{group}-{number}"
        for group, compared in (("field", report.fields), ("prediction", report.predictions))
        for number, each in enumerate(compared)
    }


def _badge(each: FieldDrift | MetricDrift) -> str:
    return f'<span class="badge {_BADGES[each.verdict]}">{each.verdict.value}</span>'


def _cards(title: str, compared: Sequence[FieldDrift], anchors: Mapping[int, str]) -> str:
    cards = [
        f'<section class="card" id="{anchors[id(each)]}">'
        f"<header><h3>{escape(each.name)}</h3>{_badge(each)}</header>"
        f'<p class="facts">{escape(_facts(each))}</p>{bars(each.bins)}</section>'
        for each in _drifted_first(compared)
        if each.bins
    ]
    return f'<h2>{title}</h2>{_LEGEND}<div class="cards">{"".join(cards)}</div>' if cards else ""


def _facts(each: FieldDrift) -> str:
    facts = [f"PSI {each.psi:.3f}", p_words(each)]
    if each.missing_then or each.missing_now:
        facts.append(f"missing {percent(each.missing_then)} → {percent(each.missing_now)}")
    if each.outside_now:
        facts.append(f"{percent(each.outside_now)} unseen in the baseline")
    return ", ".join(facts)


def _metrics(metrics: Sequence[MetricDrift]) -> str:
    cards = [
        f'<section class="card"><header><h3>{escape(each.name)}</h3>{_badge(each)}</header>'
        f'<p class="facts">{escape(metric_line(each))}</p>{over_time(each) if each.periods else ""}</section>'
        for each in metrics
    ]
    legend = '<p class="facts">The dashed line is the metric of the training; bars are 99% intervals.</p>'
    return f'<h2>Labels</h2>{legend}<div class="cards">{"".join(cards)}</div>' if cards else ""


def _method(report: DriftReport) -> str:
    return (
        '<h2>How to read this</h2><p class="lead">A field drifts if a likelihood-ratio test finds another'
        " distribution (p below 0.01, adjusted for the number of fields by Holm's method: about one false"
        " alarm in a hundred reports) and its population stability index (PSI) is"
        f" {report.psi_threshold:g} or more. What chance adds to the index is taken off. Missing values, and"
        " values that the baseline does not have, are bins of their own.</p>"
    )
