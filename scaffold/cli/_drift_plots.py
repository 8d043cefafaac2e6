"""Plots of the report of drift as inline SVG: a distribution beside the baseline, a metric over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from scaffold.spec import DriftBin, Estimate, MetricDrift

_WIDTH, _HEIGHT, _RIGHT, _TOP = 420, 200, 8, 10
_LEFT, _LEFT_OF_SLANTED = 46, 62
_BELOW, _BELOW_SLANTED = 24, 72
"""The height for labels beside each other, and for slanted ones."""
_CHARACTER_WIDTH = 6.2
_MOST_BINS = 14
_LONGEST_LABEL = 16
_MOST_DATES = 6


def bars(bins: Sequence[DriftBin]) -> str:
    """Return two bars for each bin: the share of the baseline, and that of now.

    Empty bins are left out, and of many bins the largest are drawn, the others as one.
    """
    shown = _largest([each for each in bins if each.then or each.now])
    names = [_shortened(each.label) for each in shown]
    is_slanted = any(len(name) * _CHARACTER_WIDTH > (_WIDTH - _LEFT) / len(shown) for name in names)
    left = _LEFT_OF_SLANTED if is_slanted else _LEFT
    bottom = _HEIGHT - (_BELOW_SLANTED if is_slanted else _BELOW)
    step = (_WIDTH - left - _RIGHT) / len(shown)
    top = max(max(each.then, each.now) for each in shown)
    parts = [
        _grid(left, bottom - value / top * (bottom - _TOP), f"{100 * value:.3g}%") for value in _ticks(0, top)
    ]
    for number, each in enumerate(shown):
        x, kind = left + number * step, "outside" if each.outside else "now"
        title = f"{each.label}: {100 * each.then:.3g}% in the baseline, {100 * each.now:.3g}% now"
        parts.append(
            f"<g><title>{escape(title)}</title>"
            + _bar("then", x + step * 0.12, step * 0.38, each.then / top, bottom)
            + _bar(kind, x + step * 0.5, step * 0.38, each.now / top, bottom)
            + "</g>"
        )
        parts.append(_name(names[number], x + step / 2, bottom, slanted=is_slanted))
    return _svg("".join(parts), "Share of the requests in each bin, in the baseline and now")


def over_time(metric: MetricDrift) -> str:
    """Return a metric of each period with its interval, and a line for that of the training."""
    periods = metric.periods
    bottom = _HEIGHT - _BELOW
    known = [metric.then] if metric.then is not None else []
    values = [end for each in periods for end in (each.low, each.value, each.high)] + known
    low, high = _limits([value for value in values if math.isfinite(value)])

    def y(value: float) -> float:
        return bottom - (min(max(value, low), high) - low) / (high - low) * (bottom - _TOP)

    step = (_WIDTH - _LEFT - _RIGHT) / len(periods)
    parts = [_grid(_LEFT, y(value), f"{value:.4g}") for value in _ticks(low, high)]
    if metric.then is not None:
        at = f'y1="{y(metric.then):.1f}" y2="{y(metric.then):.1f}"'
        title = f"<title>in training: {metric.then:.4g}</title>"
        parts.append(f'<line class="training" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" {at}>{title}</line>')
    every = math.ceil(len(periods) / _MOST_DATES)
    for number, each in enumerate(periods):
        x = _LEFT + (number + 0.5) * step
        parts.append(_point(each, x, y))
        if number % every == 0:
            parts.append(_name(each.start[5:], x, bottom, slanted=False))
    return _svg("".join(parts), f"{metric.name} over time")


def _point(each: Estimate, x: float, y: Callable[[float], float]) -> str:
    title = f"{each.start}: {each.value:.4g} ({each.low:.4g} to {each.high:.4g}), {each.rows:,} labels"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<line class="interval" x1="{x:.1f}" x2="{x:.1f}" y1="{y(each.low):.1f}" y2="{y(each.high):.1f}"/>'
        f'<circle class="point" cx="{x:.1f}" cy="{y(each.value):.1f}" r="3.5"/></g>'
    )


def _largest(bins: Sequence[DriftBin]) -> list[DriftBin]:
    if len(bins) <= _MOST_BINS:
        return list(bins)
    ranked = sorted(range(len(bins)), key=lambda place: -max(bins[place].then, bins[place].now))
    kept = {*ranked[: _MOST_BINS - 1]}
    rest = [each for place, each in enumerate(bins) if place not in kept]
    merged = DriftBin(
        label=f"{len(rest)} more", then=sum(each.then for each in rest), now=sum(each.now for each in rest)
    )
    return [*(each for place, each in enumerate(bins) if place in kept), merged]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis: a little below the least value, and a little above the greatest."""
    low, high = min(values), max(values)
    edge = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - edge, high + edge


def _ticks(low: float, high: float) -> list[float]:
    """Return some round numbers between the ends of an axis."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _grid(left: float, y: float, text: str) -> str:
    return (
        f'<line class="grid" x1="{left}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _bar(kind: str, x: float, width: float, share: float, bottom: float) -> str:
    height = share * (bottom - _TOP)
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{bottom - height:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}" rx="1"/>'
    )


def _name(text: str, x: float, bottom: float, *, slanted: bool) -> str:
    if slanted:
        turned = f'transform="translate({x + 3:.1f} {bottom + 12:.1f}) rotate(-40)" text-anchor="end"'
        return f"<text {turned}>{escape(text)}</text>"
    return f'<text x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle">{escape(text)}</text>'


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _svg(content: str, title: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{content}</svg>'
