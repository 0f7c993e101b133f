"""Charts as SVG for the page: bars with their numbers in words beside them, so that nobody needs to see them."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 180, 48, 24, 10
MAX_BARS = 400  # more would be narrower than a pixel and a half: neighbors are joined


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in pixels of the drawing. ``label`` and ``value`` in words, for the tooltip."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """A bar chart. ``summary``: what a person who cannot see it needs to know."""

    title: str
    bars: tuple[Bar, ...]
    first: str
    last: str
    highest: str
    summary: str


def bar_chart(title: str, values: dict[str, float], unit: str, *, as_share: bool = False) -> BarChart | None:
    """Bars from the bottom up, in the order of ``values``; None when there is nothing to draw."""
    joined = _joined(values, as_share=as_share)
    if not joined or not any(joined.values()):
        return None
    highest = max(joined.values())
    step = (WIDTH - LEFT) / len(joined)
    tall = HEIGHT - BOTTOM - TOP
    bars = []
    for index, (label, value) in enumerate(joined.items()):
        height = tall * value / highest
        words = _words(value, unit, as_share=as_share)
        bars.append(
            Bar(
                round(LEFT + index * step, 2),
                round(TOP + tall - height, 2),
                round(max(step - 1, 0.6), 2),
                round(height, 2),
                label,
                words,
            )
        )
    labels = list(joined)
    busiest = max(joined, key=lambda label: joined[label])
    return BarChart(
        title,
        tuple(bars),
        labels[0],
        labels[-1],
        _words(highest, unit, as_share=as_share),
        f"{title}: from {labels[0]} to {labels[-1]}; the highest is {_words(highest, unit, as_share=as_share)} ({busiest}).",
    )


def _joined(values: dict[str, float], *, as_share: bool) -> dict[str, float]:
    together = -(-len(values) // MAX_BARS)
    if together <= 1:
        return values
    items = list(values.items())
    groups = [items[i : i + together] for i in range(0, len(items), together)]
    return {
        f"{group[0][0]} to {group[-1][0]}": sum(value for _, value in group) / (len(group) if as_share else 1)
        for group in groups
    }


def _words(value: float, unit: str, *, as_share: bool) -> str:
    return f"{value:.0%} {unit}" if as_share else f"{value:,.0f} {unit}"
