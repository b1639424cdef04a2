"""Plots as inline SVG: they follow the page's light and dark colours, and need no script and no network."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDTH, HEIGHT = 360, 230  # pixels: a plot is as large on a phone as on a desktop
MARGIN = 24  # pixels; where an axis has a title, TITLE more
TITLE = 18
CHARACTER = 7  # pixels that a character of a tick takes, at most
APART = (0, 2, 5, 4, 6, 3, 1, 7)  # colours of style.css, the most distinct first
SQUARE = WIDTH - MARGIN + 8  # height of a plot without ticks and titles whose two axes have one scale

Points = Iterable[tuple[float, float]]  # (x, y)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From `low` to `high`, which may run downwards; `ticks` are (value, text)."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def place(self, value: float) -> float:
        """`value` as a fraction of the axis: 0 at the low end, 1 at the high end; clamped to these."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def series(number: int) -> str:
    """The CSS class of the `number`-th curve of an ordered family: a sequential colour scale."""
    return f"series s{number}"


def colour(number: int) -> str:
    """The CSS class of the `number`-th category of a plot; categories beyond the number of colours are dashed."""
    return f"s{APART[number % len(APART)]}{' dashed' if number // len(APART) % 2 else ''}"


def share_axis(title: str, values: Iterable[float], *, most: int = 5) -> Axis:
    """An axis in percent over fractions `values`; see `number_axis`."""
    return number_axis(title, values, most=most, factor=100, unit="%")


def number_axis(title: str, values: Iterable[float], *, most: int = 5, factor: float = 1, unit: str = "") -> Axis:
    """An axis over `values`, from 0 where they come near it: at most `most` steps of 1, 2 or 5.

    Its tick labels are `factor` times the value, and the unit.
    """
    values = list(values)
    low, high = min(values, default=0.0), max(values, default=0.0)
    low = min(0.0, low) if low < high / 2 else low
    if high - low < 0.01:  # a single value is put in the middle
        low, high = max(0.0, low - 0.005), high + 0.005
    power = 10 ** math.floor(math.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= most:
            break
    digits = max(0, -math.floor(math.log10(factor * step) + 1e-9))
    ticks = [(number * step, f"{factor * number * step:.{digits}f}{unit}") for number in range(first, last + 1)]
    return Axis(title=title, low=first * step, high=last * step, ticks=ticks)


def row_axis(titles: Sequence[str]) -> Axis:
    """One row for each title, from top to bottom; row n is at n."""
    return Axis(title="", low=len(titles) - 0.5, high=-0.5, ticks=list(enumerate(titles)))


@dataclass
class Plot:
    """A plot under construction: marks are painted in the order in which they are added.

    `css_class` of a mark is one of style.css; `title` is its tooltip.

    Args:
        label: what the plot shows, for screen readers.
        right: a second y axis, for the lines with `on_right`.
    """

    label: str
    x: Axis
    y: Axis
    right: Axis | None = None
    height: int = HEIGHT
    _marks: list[Markup] = field(default_factory=list, init=False)

    def line(self, points: Points, *, css_class: str, title: str, on_right: bool = False) -> None:
        """A line through the points; a single point is a dot."""
        points = list(points)
        points = 2 * points if len(points) == 1 else points  # round caps paint a line of length 0
        places = " ".join(f"{self._x(x):.1f},{self._y(y, on_right):.1f}" for x, y in points)
        mark = Markup('<polyline class="{}" points="{}"><title>{}</title></polyline>')
        self._marks.append(mark.format(css_class, places, title))

    def bars(self, edges: Sequence[float], heights: Sequence[float], *, css_classes: Sequence[str]) -> None:
        """Bars from the lower end of y, each between two consecutive `edges` (one more than `heights`)."""
        for left, right, height, css_class in zip(edges[:-1], edges[1:], heights, css_classes, strict=True):
            if height:
                x, y = self._x(left), self._y(height)
                size = self._x(right) - x, self._y(self.y.low) - y
                mark = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
                self._marks.append(mark.format(css_class, x, y, *size))

    def dot(
        self, x: float, y: float, *, css_class: str, title: str, low: float | None = None, high: float | None = None
    ) -> None:
        """A dot, with its interval along x where it has one."""
        mark = Markup('<g class="{}"><title>{}</title>').format(css_class, title)
        if low is not None and high is not None:
            ends = self._x(low), self._y(y), self._x(high), self._y(y)
            mark += Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(*ends)
        self._marks.append(
            mark + Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4.5"/></g>').format(self._x(x), self._y(y))
        )

    def dots(self, points: Points, *, css_class: str, title: str) -> None:
        """Many small dots, as one mark."""
        places = "".join(f"M{self._x(x):.1f} {self._y(y):.1f}h0" for x, y in points)
        mark = Markup('<path class="dots {}" d="{}"><title>{}</title></path>')
        self._marks.append(mark.format(css_class, places, title))

    def svg(self) -> Markup:
        head = Markup('<svg class="plot" role="img" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-label="{2}">')
        head = head.format(WIDTH, self.height, self.label)
        return Markup("\n").join([head, *self._axes(), *self._marks, Markup("</svg>")])

    @property
    def _left(self) -> int:
        return 12 + CHARACTER * max((len(text) for _, text in self.y.ticks), default=0)

    @property
    def _last(self) -> int:
        return WIDTH - MARGIN - (CHARACTER * max(len(text) for _, text in self.right.ticks) if self.right else 0)

    @property
    def _top(self) -> int:
        return 8 + (TITLE if self.y.title else 0)

    @property
    def _bottom(self) -> int:
        return self.height - MARGIN - (TITLE if self.x.title else 0)

    def _x(self, value: float) -> float:
        return self._left + self.x.place(value) * (self._last - self._left)

    def _y(self, value: float, on_right: bool = False) -> float:
        axis = self.right if on_right and self.right else self.y
        return self._bottom - axis.place(value) * (self._bottom - self._top)

    def _axes(self) -> list[Markup]:
        found = [self._straight("grid", (self.x.low, at), (self.x.high, at)) for at, _ in self.y.ticks]
        found += [self._straight("grid", (at, self.y.low), (at, self.y.high)) for at, _ in self.x.ticks]
        found += [_text(text, self._left - 6, self._y(at) + 4, "end") for at, text in self.y.ticks]
        found += [_text(text, self._x(at), self._bottom + 16, "middle") for at, text in self.x.ticks]
        found.append(_text(self.x.title, (self._left + self._last) / 2, self._bottom + 34, "middle"))
        found.append(_text(self.y.title, 2, 14, "start"))
        if self.right:
            found += [_text(text, self._last + 6, self._y(at, True) + 4, "start") for at, text in self.right.ticks]
            found.append(_text(self.right.title, WIDTH - 2, 14, "end"))
        return found

    def _straight(self, css_class: str, start: tuple[float, float], end: tuple[float, float]) -> Markup:
        places = self._x(start[0]), self._y(start[1]), self._x(end[0]), self._y(end[1])
        return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(css_class, *places)


def _text(text: str, x: float, y: float, anchor: str) -> Markup:
    return (
        Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
        if text
        else Markup()
    )
