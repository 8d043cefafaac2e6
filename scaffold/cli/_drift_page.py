"""The report of `drift` as one HTML page, light or dark, which loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from scaffold.cli._drift_plots import bars, over_time
from scaffold.cli._drift_words import cells_of, metric_line, p_words, percent, summary_of, verdict_line
from scaffold.spec import DriftReport, DriftVerdict, FieldDrift, MetricDrift

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --card: #fff; --text: #1f2933; --soft: #52606d;
  --line: #dde3e8; --then: #a9b4bf; --now: #2f77ad; --outside: #d65431; --bad: #fbe0d8; --bad-text: #9c2b0c;
  --good: #dcf1e2; --good-text: #1c6b38; --warn: #fdf0cc; --warn-text: #7a5600; }
@media (prefers-color-scheme: dark) { :root { --back: #14191f; --card: #1b222a; --text: #e4e9ee;
  --soft: #9dabb8; --line: #313c47; --then: #66737f; --now: #5aa7df; --outside: #f0825f; --bad: #4a2016;
  --bad-text: #ffb59e; --good: #173a25; --good-text: #92dbab; --warn: #43360f; --warn-text: #f0d27c; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; margin-top: 2.2rem; }
h3 { font: 600 1rem ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; }
a { color: inherit; }
.verdict { font-size: 1.1rem; border-radius: .5rem; padding: .6rem 1rem; overflow-wrap: anywhere; }
.lead, .facts, figcaption { color: var(--soft); overflow-wrap: anywhere; }
.facts { font-size: .85rem; margin: .2rem 0 .4rem; font-variant-numeric: tabular-nums; }
.bad { background: var(--bad); color: var(--bad-text); }
.warn { background: var(--warn); color: var(--warn-text); }
.good { background: var(--good); color: var(--good-text); }
.badge { border-radius: 1rem; padding: .05rem .6rem; font-size: .85rem; font-weight: 600;
  white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); }
td, th { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td:nth-child(n+3):nth-child(-n+7), th:nth-child(n+3):nth-child(-n+7) { text-align: right; }
td:first-child { overflow-wrap: anywhere; min-width: 8rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem;
  scroll-margin-top: 1rem; }
.card header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .35rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--soft); }
svg .grid { stroke: var(--line); }
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
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body></html>\n"
    )


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
