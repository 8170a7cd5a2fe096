"""Drawings for a page: small vector plots whose colours follow the page and whose finding is told in words.

matplotlib draws them; it is imported when the first one is drawn. What it writes is made fit for a page: text stays
text, every colour becomes a CSS variable (`templates/plots.css`), every id carries the drawing's own name, coordinates
have one decimal, and nothing tells of the time or the version, so that the same numbers give the same bytes.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 340
"""Of every drawing, in CSS pixels: what a phone shows without scrolling."""

NAME = 58
"""Characters of a row's name on one line."""

SERIES = 8
"""Colours there are (`--plot-1` and on); markers repeat after as many, so that colour is never alone."""

WIDEST = 4.0
"""An interval more than so many times as wide as those of the narrower third does not set the axis."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
SIGNS = ("●", "■", "▲", "◆", "▼", "✚", "✖", "⬟")
"""The markers as a legend in words shows them."""

_ROLES = ("--ink", "--soft", "--line", "--panel", "--accent", *(f"--plot-{place + 1}" for place in range(SERIES)))
_STANDS_FOR = {role: f"#0000{place + 1:02x}" for place, role in enumerate(_ROLES)}
_INK, _SOFT, _LINE, _PANEL, _ACCENT = (_STANDS_FOR[role] for role in _ROLES[:5])


@dataclass(frozen=True)
class Dot:
    """A value with its interval, if there is one; `series` picks its colour and marker, from 0."""

    value: float
    low: float | None
    high: float | None
    series: int = 0


@dataclass(frozen=True)
class Point:
    """An entry in a plot of quality against cost; `front` marks what nothing betters in both."""

    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    front: bool = False


@dataclass(frozen=True)
class Line:
    """A curve."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    series: int = 0


def dots(id: str, rows: Sequence[tuple[str, Sequence[Dot]]], *, axis: str, title: str, finding: str) -> Markup:
    """Values with their intervals on one axis, a named row each, 0 marked. A long name has two lines.

    Args:
        id: of the drawing, unlike any other on the page.
        rows: name and dots of each, top first.
        axis: what the axis holds, with its unit and direction.
        title: what is drawn.
        finding: what it shows, in words.
    """
    names = [wrap(name, NAME, max_lines=2, placeholder="…", break_on_hyphens=False) or [""] for name, _ in rows]
    starts = [17 + 12 * (len(parts) - 1) for parts in names]
    heights = [start + 9 * max(1, len(row)) for start, (_, row) in zip(starts, rows, strict=True)]
    figure, axes = _axes(sum(heights) + 44, left=8, right=8, top=4, bottom=40)
    axes.set_ylim(sum(heights), 0)
    axes.set_yticks([])
    axes.axvline(0, color=_SOFT, linewidth=1, dashes=(3, 3))
    tops = [sum(heights[:place]) for place in range(len(heights))]
    axes.hlines(tops, 0, 1, color=_LINE, linewidth=0.7, transform=axes.get_yaxis_transform())
    for top, parts in zip(tops, names, strict=True):
        for place, part in enumerate(parts):
            axes.text(0, top + 10.5 + 12 * place, part, color=_INK, transform=axes.get_yaxis_transform(),
                      parse_math=False, size=10.5)  # fmt: skip
    placed = [(top + start + 1 + 9 * place, dot) for top, start, (_, row) in zip(tops, starts, rows, strict=True)
              for place, dot in enumerate(row)]  # fmt: skip
    left, right = span([dot for _, dot in placed])
    for series in sorted({dot.series for _, dot in placed}):
        own = [(at, dot) for at, dot in placed if dot.series == series]
        known = [(at, dot.low, dot.high) for at, dot in own if dot.low is not None and dot.high is not None]
        if known:
            cut = [(at, max(low, left), min(high, right)) for at, low, high in known]
            axes.hlines(*zip(*cut, strict=True), color=_series(series), linewidth=1.6, alpha=0.55)
        for sign, edge, ends in (("<", left, [at for at, low, _ in known if low < left]),
                                 (">", right, [at for at, _, high in known if high > right])):  # fmt: skip
            axes.plot([edge] * len(ends), ends, marker=sign, color=_series(series), markersize=4, linestyle="none")
        axes.plot([dot.value for _, dot in own], [at for at, _ in own], marker=_marker(series), color=_series(series),
                  markersize=5, linestyle="none")  # fmt: skip
    axes.set_xlabel(axis, color=_SOFT, parse_math=False, size=10.5)
    return _svg(figure, id, title, finding)


def span(drawn: Sequence[Dot]) -> tuple[float, float]:
    """What the axis of some dots must show: their values, and every interval but the few that would dwarf the rest.

    Returns:
        Both ends. An interval wider than `WIDEST` times one of the narrower third may go beyond: it ends in a triangle.
    """
    ends = [(dot.low, dot.high) for dot in drawn if dot.low is not None and dot.high is not None]
    usual = sorted(high - low for low, high in ends)[len(ends) // 3] if ends else 0.0
    inside = [end for low, high in ends if high - low <= WIDEST * usual for end in (low, high)]
    shown = [*inside, *(dot.value for dot in drawn)]
    return min(shown, default=0.0), max(shown, default=0.0)


def scatter(
    id: str,
    points: Sequence[Point],
    *,
    x_axis: str,
    y_axis: str,
    logarithmic: bool,
    better_x: Literal["lower", "higher"],
    level: float | None = None,
    ceiling: float | None = None,
    title: str,
    finding: str,
) -> Markup:
    """Quality against cost, the Pareto front joined and numbered from the left, equals by name.

    Args:
        id: of the drawing, unlike any other on the page.
        points: the entries; intervals are drawn for those of the front.
        x_axis, y_axis: what the axes hold, with unit and direction.
        logarithmic: whether the cost's axis is.
        better_x: whether lower or higher cost figures are better.
        level: height of a dashed line, such as the gray copy's.
        ceiling: where the drawing ends; what lies above is drawn at its edge, as a triangle.
        title: what is drawn.
        finding: what it shows, in words.
    """
    figure, axes = _axes(250, left=40, right=10, top=8, bottom=40)
    if logarithmic:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

        axes.set_xscale("log")
        span = max(point.x for point in points) / min(point.x for point in points)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if span > 300 else (1.0, 3.0) if span > 10 else (1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    if level is not None:
        axes.axhline(level, color=_SOFT, linewidth=1, dashes=(3, 3))
    top = max(point.y for point in points) if ceiling is None else ceiling
    rest = [point for point in points if not point.front]
    for marker, shown in (("o", [p for p in rest if p.y <= top]), ("^", [p for p in rest if p.y > top])):
        axes.plot([p.x for p in shown], [min(p.y, top) for p in shown], marker=marker, markersize=4, linestyle="none",
                  color=_SOFT, alpha=0.55)  # fmt: skip
    front = sorted((point for point in points if point.front), key=lambda point: (point.x, point.name))
    axes.plot([p.x for p in front], [p.y for p in front], color=_ACCENT, linewidth=1.2, alpha=0.7,
              drawstyle="steps-post" if better_x == "lower" else "steps-pre")  # fmt: skip
    for point in front:
        if point.low is not None and point.high is not None:
            axes.plot([point.x, point.x], [point.low, point.high], color=_ACCENT, linewidth=1.6, alpha=0.4)
        axes.plot([point.x], [point.y], marker="D", markersize=5.5, color=_ACCENT, linestyle="none")
    axes.margins(0.08, 0.1)
    low, high = axes.get_xlim()
    for place, point in enumerate(front):
        middle = (low * high) ** 0.5 if logarithmic else (low + high) / 2
        right = point.x > middle
        axes.annotate(f"{place + 1}", (point.x, point.y), xytext=(-6 if right else 6, -9), textcoords="offset points",
                      ha="right" if right else "left", color=_ACCENT, size=10.5, weight="bold")  # fmt: skip
    axes.set_xlabel(x_axis, color=_SOFT, parse_math=False, size=10.5)
    axes.set_ylabel(y_axis, color=_SOFT, parse_math=False, size=10.5)
    return _svg(figure, id, title, finding)


def lines(id: str, curves: Sequence[Line], *, x_axis: str, y_axis: str, title: str, finding: str) -> Markup:
    """Curves over the steps of a training.

    Args:
        id: of the drawing, unlike any other on the page.
        curves: at least one; each is drawn in the colour of its series, every second in dashes.
        x_axis, y_axis: what the axes hold.
        title: what is drawn.
        finding: what it shows, in words.
    """
    figure, axes = _axes(190, left=44, right=10, top=8, bottom=40)
    for curve in curves:
        style = "-" if curve.series % 2 == 0 else "--"
        axes.plot(curve.x, curve.y, color=_series(curve.series), linewidth=1.5, linestyle=style)
    axes.margins(0.03, 0.08)
    axes.set_xlabel(x_axis, color=_SOFT, parse_math=False, size=10.5)
    axes.set_ylabel(y_axis, color=_SOFT, parse_math=False, size=10.5)
    return _svg(figure, id, title, finding)


def _series(place: int) -> str:
    return _STANDS_FOR[f"--plot-{place % SERIES + 1}"]


def _marker(place: int) -> str:
    return MARKERS[place % len(MARKERS)]


def _axes(height: int, *, left: int, right: int, top: int, bottom: int) -> "tuple[Figure, Axes]":
    """A figure of one pair of axes at fixed places: nothing depends on how wide a font is here."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor="none")
    box = (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height)
    axes = figure.add_axes(box, facecolor="none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.grid(axis="both", color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_SOFT, labelsize=10, length=0)
    return figure, axes


def _svg(figure: "Figure", id: str, title: str, finding: str) -> Markup:
    """The figure as an element of a page, with a title and a description."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "chromabench"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn = ElementTree.fromstring(out.getvalue())
    parts = [part for child in drawn for part in _fit(child, id)]
    _dress(parts)
    kept = "".join(ElementTree.tostring(part, encoding="unicode") for part in parts)
    words = f'<title id="{id}-title">{escape(title)}</title><desc id="{id}-desc">{escape(finding)}</desc>'
    head = f'<svg class="plot" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="{drawn.get("viewBox")}">'
    return Markup(f"{head}{words}{kept}</svg>")


def _fit(element: ElementTree.Element, id: str) -> list[ElementTree.Element]:
    """An element fit for a page, as none, one, or the several that an idle group held."""
    tag = element.tag.rpartition("}")[2]
    style = element.get("style", "")
    if tag in ("metadata", "style", "clipPath") or (tag == "path" and style == "fill: none"):
        return []
    inside = [part for child in element for part in _fit(child, id)]
    if tag == "g":
        return inside  # its attributes are a name and the clipping, which nothing here needs
    if tag == "defs" and not inside:
        return []
    made = ElementTree.Element(tag)
    made.text = element.text if tag == "text" else None
    for name, value in element.items():
        plain = name.rpartition("}")[2]
        if plain == "style":
            made.set(plain, _plain_style(value))
        elif plain == "href":
            made.set(plain, f"#{id}-{value.removeprefix('#')}")
        elif plain == "id" and tag == "path":
            made.set(plain, f"{id}-{value}")
        elif plain not in ("id", "clip-path") and not value.startswith("rotate(-0 "):
            made.set(plain, _rounded(value))
    made.extend(inside)
    return [made]


def _dress(parts: Sequence[ElementTree.Element]) -> None:
    """Each marker's style goes to its definition, from all the places where it is used."""
    markers = {path.get("id"): path for part in parts for path in part.iter("path") if path.get("id")}
    for use in (use for part in parts for use in part.iter("use")):
        style = use.attrib.pop("style", None)
        if style is not None:
            markers[use.attrib["href"][1:]].set("style", style)


def _plain_style(style: str) -> str:
    """The style in the page's own colours, without a font family: the page has its own."""
    for role, colour in _STANDS_FOR.items():
        style = style.replace(colour, f"var({role})")
    return re.sub(r"font-family: [^;]*;? ?", "", style)


def _rounded(numbers: str) -> str:
    """An attribute's numbers with one decimal."""
    short = re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda found: f"{round(float(found[0]), 1):g}", numbers)
    return " ".join(short.split())
