"""Plots of old answers against new ones: inline SVG, and tables whose cells are coloured by CSS."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TypeGuard

from scaffold.spec import JSONValue

Pairs = Sequence[tuple[JSONValue, JSONValue]]
"""An old and a new value each."""

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _MARGIN = 380, 320, 62, 40, 14
_MOST_LABELS = 12
"""Numbers with more different values than this are drawn as points though all are integers."""
_BINS = 15
_LARGEST_DRAWN = 1e300
"""Differences of numbers up to this one, with room at the ends of an axis, are no infinity."""


def plots(pairs: Pairs) -> str:
    """Plot one field of the answers: scatter plot and histogram for numbers, else a confusion matrix.

    Among numbers with a fraction, a pair with null or with a number too large to draw is left out and told.
    """
    numbers = [(float(old), float(new)) for old, new in pairs if _is_drawable(old) and _is_drawable(new)]
    if not numbers or _are_labels(pairs) or not all(_is_number(value) for pair in pairs for value in pair):
        return _confusion_matrix(pairs)
    left_out = len(pairs) - len(numbers)
    note = (
        f" {left_out} of {len(pairs)} requests are left out: null, or too large to draw." if left_out else ""
    )
    return _scatter(numbers, note) + _histogram([new - old for old, new in numbers], note)


def _is_number(value: JSONValue) -> bool:
    return value is None or isinstance(value, int | float)


def _is_drawable(value: JSONValue) -> TypeGuard[float]:
    """Whether a value is a number of a size that can be drawn."""
    return isinstance(value, int | float) and abs(value) <= _LARGEST_DRAWN


def _are_labels(pairs: Pairs) -> bool:
    """Whether the values are booleans, or integers that are the numbers of classes."""
    values = {value for pair in pairs for value in pair if isinstance(value, int | float)}
    return all(isinstance(value, int) for value in values) and len(values) <= _MOST_LABELS


def _scatter(numbers: Sequence[tuple[float, float]], note: str) -> str:
    """One point for each request; on the diagonal, both models agree."""
    low, high = _limits([value for pair in numbers for value in pair])
    axis = _ticks(low, high)
    points = "".join(
        f'<circle cx="{_x(old, low, high):.1f}" cy="{_y(new, low, high):.1f}" r="4">'
        f"<title>{_text(old)} → {_text(new)}</title></circle>"
        for old, new in numbers
    )
    caption = "New against old; both agree on the dashed line." + note
    lines = [
        *(_grid_x(value, _x(value, low, high)) for value in axis),
        *(_grid_y(value, _y(value, low, high)) for value in axis),
        _dashed((_x(low, low, high), _y(low, low, high)), (_x(high, low, high), _y(high, low, high))),
        f'<g class="points">{points}</g>',
    ]
    return _figure("".join(lines), "old answer", "new answer", caption)


def _histogram(differences: Sequence[float], note: str) -> str:
    """How often the new answer is larger or smaller by how much."""
    low, high = _limits([*differences, 0.0])
    width = (high - low) / _BINS
    counts = Counter(min(int((value - low) / width), _BINS - 1) for value in differences)
    top = max(counts.values())
    bars = "".join(
        f'<rect x="{_x(low + bin_ * width, low, high):.1f}" y="{_y(count, 0, top):.1f}"'
        f' width="{(_WIDTH - _LEFT - _MARGIN) / _BINS - 1:.1f}"'
        f' height="{_y(0, 0, top) - _y(count, 0, top):.1f}"><title>{count} requests</title></rect>'
        for bin_, count in sorted(counts.items())
    )
    zero = _x(0.0, low, high)
    lines = [
        *(_grid_x(value, _x(value, low, high)) for value in _ticks(low, high)),
        *(_grid_y(value, _y(value, 0, top)) for value in sorted({0, (top + 1) // 2, top})),
        f'<g class="bars">{bars}</g>',
        _dashed((zero, _MARGIN), (zero, _HEIGHT - _BOTTOM)),
    ]
    caption = "The difference, new minus old; at the dashed line there is none." + note
    return _figure("".join(lines), "new - old", "requests", caption)


def _figure(content: str, across: str, up: str, caption: str) -> str:
    middle = (_HEIGHT - _BOTTOM + _MARGIN) / 2
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img">'
        f"<title>{escape(caption)}</title>{content}"
        f'<text x="{(_WIDTH + _LEFT - _MARGIN) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{up}</text>'
        f"</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )


def _dashed(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="same" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _grid_x(value: float, at: float) -> str:
    bottom = _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{at:.1f}" y1="{_MARGIN}" x2="{at:.1f}" y2="{bottom}"/>'
        f'<text class="tick" x="{at:.1f}" y="{bottom + 14}" text-anchor="middle">{_text(value)}</text>'
    )


def _grid_y(value: float, at: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{_WIDTH - _MARGIN}" y2="{at:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{_text(value)}</text>'
    )


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _MARGIN)


def _y(value: float, low: float, high: float) -> float:
    bottom = _HEIGHT - _BOTTOM
    return bottom - (value - low) / (high - low) * (bottom - _MARGIN)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis: a little below the smallest value, and a little above the largest."""
    low, high = min(values), max(values)
    edge = 0.04 * (high - low) or 0.5 * max(abs(low), 1e-9)
    return low - edge, high + edge


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers between the ends of an axis."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _text(value: float) -> str:
    return f"{value:.6g}"


def _confusion_matrix(pairs: Pairs) -> str:
    """How often the label of a row became the label of a column; the diagonal is what stayed."""
    counts = Counter((_label(old), _label(new)) for old, new in pairs)
    labels, left_out = _most_changed(counts)
    largest = max(counts.values())
    head = "".join(f"<th scope=col>{escape(label)}</th>" for label in labels)
    rows = []
    for old in labels:
        cells = "".join(_cell(counts[old, new], largest, changed=old != new) for new in labels)
        rows.append(f"<tr><th scope=row>{escape(old)}</th>{cells}</tr>")
    caption = "Requests by old and new label; off the diagonal, the label changed."
    if left_out:
        caption += f" {left_out} more labels are left out."
    return (
        f'<figure><table class="matrix"><tr><td class="corner">old ↓ new →</td>{head}</tr>'
        f"{''.join(rows)}</table><figcaption>{caption}</figcaption></figure>"
    )


def _most_changed(counts: Counter[tuple[str, str]]) -> tuple[list[str], int]:
    """The labels in order, those first left out that changed least; and how many are left out."""
    changes = Counter[str]()
    for (old, new), count in counts.items():
        weight = count if old != new else 0
        changes.update({old: weight})
        changes.update({new: weight})
    kept = [label for label, _ in changes.most_common(_MOST_LABELS)]
    kept.sort(key=lambda label: (len(label) if label.isdigit() else 0, label))
    return kept, len(changes) - len(kept)


def _cell(count: int, largest: int, *, changed: bool) -> str:
    if not count:
        return "<td></td>"
    share = 0.15 + 0.6 * count / largest
    colour = "214, 84, 49" if changed else "58, 122, 168"
    return f'<td style="background: rgba({colour}, {share:.2f})">{count}</td>'


def _label(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
