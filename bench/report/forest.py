"""Differences with their intervals, rows by domain: as a drawing, a table and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from bench.analysis.contrasts import Contrast
from bench.leaderboard import domain_order
from bench.report.plots import SERIES, SIGNS, Dot, dots, span
from bench.types import DOMAINS

DRAWN = 12
"""Rows of a drawing at most; the table below it holds all."""


@dataclass(frozen=True)
class Spot:
    """One difference. `sure`: told apart from 0, after every adjustment there is; `note` stands under it."""

    contrast: Contrast
    sure: bool
    note: str = ""
    home: bool = False

    @property
    def value(self) -> str:
        return signed(self.contrast.value)

    @property
    def around(self) -> str:
        """`± 0.42`, or why there is no interval."""
        low, high = self.contrast.low, self.contrast.high
        if low is None or high is None:
            return "1 group"
        return f"± {(high - low) / 2:.2f}"


@dataclass(frozen=True)
class Forest:
    """A table of differences in CIEDE2000 and its drawing.

    Attributes:
        id: of the drawing, unlike any other on the page.
        title: what is drawn.
        axis: what the axis holds.
        below, above: what a difference below and above 0 means, such as `closer at home`.
        domains: the columns.
        rows: name and a spot for each column; None where there is none.
        drawn: the rows of the drawing, if others than all; of either the first `DRAWN` are drawn.
        head: of the first column.
    """

    id: str
    title: str
    axis: str
    below: str
    above: str
    domains: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Spot | None, ...]], ...]
    drawn: tuple[tuple[str, tuple[Spot | None, ...]], ...] | None = None
    head: str = "Entry"

    @property
    def picture(self) -> tuple[tuple[str, tuple[Spot | None, ...]], ...]:
        """The rows that are drawn."""
        chosen = self.rows if self.drawn is None else self.drawn
        return tuple(row for row in chosen if any(spot is not None for spot in row[1]))[:DRAWN]

    @property
    def part(self) -> str:
        """`12 of 44 rows; the table holds all`; empty where no row is left out of the drawing."""
        rows = self.rows if self.drawn is None or {*self.drawn} <= {*self.rows} else self.drawn
        count = sum(any(spot is not None for spot in spots) for _, spots in rows)
        return f"{len(self.picture)} of {count} rows; the table holds all" if len(self.picture) < count else ""

    @cached_property
    def drawing(self) -> Markup:
        """The picture as SVG; empty where nothing is to be drawn."""
        if not self.picture:
            return Markup("")
        rows = [
            (name, [
                Dot(spot.contrast.value, spot.contrast.low, spot.contrast.high, series(domain, self.domains))
                for domain, spot in zip(self.domains, spots, strict=True) if spot is not None
            ])
            for name, spots in self.picture
        ]  # fmt: skip
        return dots(self.id, rows, axis=self.axis, title=self.title, finding=self.finding)

    @property
    def cut(self) -> bool:
        """Whether an interval goes on beyond the drawing."""
        drawn = [
            Dot(spot.contrast.value, spot.contrast.low, spot.contrast.high)
            for _, spots in self.picture for spot in spots if spot is not None
        ]  # fmt: skip
        left, right = span(drawn)
        return any((dot.low or 0.0) < left or (dot.high or 0.0) > right for dot in drawn if dot.low is not None)

    @property
    def keys(self) -> list[tuple[int, str, str]]:
        """The legend: number of the colour, sign of the marker, domain."""
        places = [(series(domain, self.domains), domain) for domain in self.domains]
        return [(place % SERIES + 1, SIGNS[place % len(SIGNS)], domain) for place, domain in places]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Each drawn row in a few words: `closer at home in 3 of 4, not told apart in 1`."""
        made = []
        for name, found in self.picture:
            spots = [spot for spot in found if spot is not None]
            below = sum(spot.sure and spot.contrast.value < 0 for spot in spots)
            above = sum(spot.sure and spot.contrast.value > 0 for spot in spots)
            blind = sum(spot.contrast.low is None for spot in spots)
            unsure = len(spots) - below - above - blind
            counts = (
                (self.below, below), (self.above, above), ("not told apart", unsure), ("without an interval", blind)
            )  # fmt: skip
            said = [f"{what} in {count}" for what, count in counts if count]
            made.append((name, f"{', '.join(said)} of {len(spots)}"))
        return made

    @property
    def finding(self) -> str:
        """What the drawn rows say, in words."""
        spots = [(name, domain, spot) for name, found in self.picture
                 for domain, spot in zip(self.domains, found, strict=True) if spot is not None]  # fmt: skip
        if not spots:
            return ""
        below = [found for found in spots if found[2].sure and found[2].contrast.value < 0]
        above = [found for found in spots if found[2].sure and found[2].contrast.value > 0]
        blind = [found for found in spots if found[2].contrast.low is None]
        parts = [f"{self.below} in {len(below)} of {len(spots)}", f"{self.above} in {len(above)}"]
        parts += [f"not told apart in {len(spots) - len(below) - len(above) - len(blind)}"]
        parts += [f"without an interval in {len(blind)}"] if blind else []
        said = f"{', '.join(parts)}."
        if below or above:
            name, domain, most = max((*below, *above), key=lambda found: abs(found[2].contrast.value))
            said += f" The largest that is sure: {most.value} {most.around} ΔE00, {name} in {domain}."
        return said[0].upper() + said[1:]


def signed(value: float, decimals: int = 2) -> str:
    """With its sign, a true minus, and no negative zero: `+0.42`, `−1.30`, `0.00`."""
    shown = f"{value:+.{decimals}f}"
    return shown[1:] if float(shown) == 0 else shown.replace("-", "−")


def series(domain: str, domains: Sequence[str]) -> int:
    """The number of a domain's colour and marker: the protocol's four have their own, a user's follow."""
    if domain in DOMAINS:
        return DOMAINS.index(domain)
    return len(DOMAINS) + sorted((one for one in domains if one not in DOMAINS), key=domain_order).index(domain)
