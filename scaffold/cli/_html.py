"""The frame of a report as one HTML page, light or dark, which loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

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
a { color: inherit; }
.lead, .facts, figcaption { color: var(--soft); overflow-wrap: anywhere; }
.bad { background: var(--bad); color: var(--bad-text); }
.warn { background: var(--warn); color: var(--warn-text); }
.good { background: var(--good); color: var(--good-text); }
.badge { display: inline-block; border-radius: 1rem; padding: .05rem .6rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); }
td, th { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
svg text { font-size: 11px; fill: var(--soft); }
svg .grid { stroke: var(--line); }
"""


def html_page(title: str, style: str, parts: Iterable[str]) -> str:
    """Return a page.

    Args:
        title: Its title, as plain text.
        style: CSS of its own.
        parts: What is on it, as HTML; an empty part is left out.
    """
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}{style}</style></head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )
