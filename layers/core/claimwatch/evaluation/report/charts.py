"""Charts as inline SVG: bars, spans, curves and trends, in the colours of the page.

Charts are 360 units wide, so their text is readable on a telephone. Each has a description in words; the
numbers are in a table too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite, log10

from claimwatch.evaluation.report.markup import Markup, element, joined

WIDTH, HEIGHT = 360.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 8.0, 10.0, 30.0


@dataclass(frozen=True)
class Point:
    """A labelled value with its interval, if any."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    tone: str = ""


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to positions; values beyond its ends are clamped."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def bars(title: str, description: str, points: Sequence[Point], *, even: float, below: str) -> Markup:
    """Return a bar chart with whiskers and a dashed line at ``even``; ``below`` labels the axis."""
    top = max([even, *(point.high or point.value for point in points)])
    ticks = _ticks(0.0, top * 1.05)
    up = Scale(0.0, ticks[-1], HEIGHT - _BOTTOM, _TOP)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(points), 1)
    drawn: list[Markup] = [*_grid(ticks, up)]
    for place, point in enumerate(points):
        left, middle = _LEFT + place * step + step * 0.15, _LEFT + (place + 0.5) * step
        drawn.append(
            element(
                "rect",
                class_="bar first" if place == 0 else "bar",
                x=left,
                y=up(point.value),
                width=step * 0.7,
                height=max(up(0.0) - up(point.value), 0.5),
                rx=2.0,
            )
        )
        if point.low is not None and point.high is not None:
            drawn += _whisker(middle, up(point.low), up(point.high))
        drawn.append(_text(middle, HEIGHT - _BOTTOM + 14, point.label, "middle"))
    drawn.append(element("line", class_="even", x1=_LEFT, x2=WIDTH - _RIGHT, y1=up(even), y2=up(even)))
    drawn.append(_text((WIDTH + _LEFT) / 2, HEIGHT - 3, below, "middle"))
    return _picture(title, description, HEIGHT, drawn)


def calibration(title: str, description: str, points: Sequence[tuple[float, Point]]) -> Markup:
    """Return observed values by predicted ones; on the dashed diagonal they are equal."""
    top = max(
        [
            0.01,
            *(max(given, point.high if point.high is not None else point.value) for given, point in points),
        ]
    )
    ticks = _ticks(0.0, top)
    up, across = Scale(0.0, ticks[-1], HEIGHT - _BOTTOM, _TOP), Scale(0.0, ticks[-1], _LEFT, WIDTH - _RIGHT)
    drawn: list[Markup] = [
        *_grid(ticks, up, share=True),
        element("line", class_="even", x1=across(0.0), y1=up(0.0), x2=across(ticks[-1]), y2=up(ticks[-1])),
    ]
    drawn += [
        _text(across(tick), HEIGHT - _BOTTOM + 14, _share(tick), "end" if tick == ticks[-1] else "middle")
        for tick in ticks[1:]
    ]
    for given, point in points:
        if point.low is not None and point.high is not None:
            drawn += _whisker(across(given), up(point.low), up(point.high))
    line = " ".join(f"{across(given):.1f},{up(point.value):.1f}" for given, point in points)
    drawn.append(element("polyline", class_="line", points=line))
    drawn += [element("circle", class_="dot", cx=across(given), cy=up(p.value), r=3.5) for given, p in points]
    drawn.append(_text((WIDTH + _LEFT) / 2, HEIGHT - 3, "predicted probability", "middle"))
    return _picture(title, description, HEIGHT, drawn)


def trend(
    title: str, description: str, points: Sequence[Point | None], *, bound: float | None, share: bool
) -> Markup:
    """Return a line chart over windows, the intervals as a band; None is a gap."""
    known = [(place, point) for place, point in enumerate(points) if point is not None]
    heights = [
        edge for _, p in known for edge in (p.value, p.low, p.high) if edge is not None and isfinite(edge)
    ]
    heights += [] if bound is None else [bound]
    height = 140.0
    highest = max([*heights, 1e-9])
    ticks = _ticks(min([0.0, *heights]), highest if 0.9 < highest <= 1.0 else highest * 1.05)
    up = Scale(ticks[0], ticks[-1], height - _BOTTOM, _TOP)
    across = Scale(0.0, max(len(points) - 1.0, 1.0), _LEFT + 8, WIDTH - _RIGHT - 8)
    drawn: list[Markup] = [*_grid(ticks, up, share=share)]
    for run in _runs(known):
        banded = [(place, p.low, p.high) for place, p in run if p.low is not None and p.high is not None]
        if len(banded) > 1:
            edge = [(across(place), up(high)) for place, _, high in banded]
            edge += [(across(place), up(low)) for place, low, _ in reversed(banded)]
            drawn.append(
                element("path", class_="band", d="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in edge) + " Z")
            )
        line = " ".join(f"{across(place):.1f},{up(point.value):.1f}" for place, point in run)
        drawn.append(element("polyline", class_="line", points=line))
    if bound is not None:
        drawn.append(element("line", class_="bound", x1=_LEFT, x2=WIDTH - _RIGHT, y1=up(bound), y2=up(bound)))
    for place, point in known:
        drawn.append(
            element("circle", class_=f"dot {point.tone}".strip(), cx=across(place), cy=up(point.value), r=3.0)
        )
    shown = {0, len(points) - 1} if len(points) > 6 else range(len(points))
    for place in shown:
        anchor = "start" if place == 0 else "end" if place == len(points) - 1 else "middle"
        label = next((p.label for shown_place, p in known if shown_place == place), "")
        drawn.append(
            _text(
                across(place) + (-8 if place == 0 else 8 if anchor == "end" else 0), height - 8, label, anchor
            )
        )
    return _picture(title, description, height, drawn)


def span(
    description: str, point: Point, low: float, high: float, *, bound: float | None, promised: float | None
) -> Markup:
    """Return a value and its interval on a horizontal line, with a dashed bound and a ring at the promise.

    A short stroke marks zero unless the line starts there. ``low`` and ``high`` are the ends of the line,
    which several pictures share.
    """
    across = Scale(low, high, 6.0, 194.0)
    drawn: list[Markup] = [element("line", class_="axis", x1=0.0, x2=200.0, y1=12.0, y2=12.0)]
    if low < 0.0:
        drawn.append(element("line", class_="even", x1=across(0.0), x2=across(0.0), y1=6.0, y2=18.0))
    if bound is not None and low <= bound <= high:
        drawn.append(element("line", class_="bound", x1=across(bound), x2=across(bound), y1=2.0, y2=22.0))
    if point.low is not None and point.high is not None:
        drawn.append(
            element(
                "line",
                class_=f"span {point.tone}".strip(),
                x1=across(point.low),
                x2=across(point.high),
                y1=12.0,
                y2=12.0,
            )
        )
    if promised is not None:
        drawn.append(element("circle", class_="promise", cx=across(promised), cy=12.0, r=6.0))
    drawn.append(
        element("circle", class_=f"dot {point.tone}".strip(), cx=across(point.value), cy=12.0, r=4.0)
    )
    return element(
        "svg", element("title", description), *drawn, viewBox="0 0 200 24", role="img", aria_label=description
    )


def _picture(title: str, description: str, height: float, drawn: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *drawn,
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        role="img",
        aria_label=f"{title}. {description}",
    )


def _grid(ticks: Sequence[float], up: Scale, *, share: bool = False) -> list[Markup]:
    return [
        joined(
            (
                element("line", class_="axis", x1=_LEFT, x2=WIDTH - _RIGHT, y1=up(tick), y2=up(tick)),
                _text(_LEFT - 6, up(tick) + 4, _share(tick) if share else f"{tick:g}", "end"),
            )
        )
        for tick in ticks
    ]


def _whisker(x: float, low: float, high: float) -> list[Markup]:
    return [
        element("line", class_="whisker", x1=x, x2=x, y1=low, y2=high),
        element("line", class_="whisker", x1=x - 4, x2=x + 4, y1=low, y2=low),
        element("line", class_="whisker", x1=x - 4, x2=x + 4, y1=high, y2=high),
    ]


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor)


def _share(value: float) -> str:
    return f"{value * 100:g} %"


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round values that enclose both ends."""
    spread = max(high - low, 1e-9)
    raw = spread / 4.0
    power = 10.0 ** floor(log10(raw))
    step = next((power * factor for factor in (1.0, 2.0, 2.5, 5.0) if power * factor >= raw), power * 10.0)
    first, last = floor(low / step), ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, max(last, first + 1) + 1)]


def _runs(known: Sequence[tuple[int, Point]]) -> list[list[tuple[int, Point]]]:
    """Split points into runs without a gap."""
    if not known:
        return []
    runs = [[known[0]]]
    for (before, _), entry in pairwise(known):
        if entry[0] == before + 1:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs
