"""Section: quality against what it takes, with the front that nothing betters in both."""

from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from bench.analysis.cost import Offer, Trade, trades
from bench.leaderboard import GRAY, PRIMARY, Table
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.plots import Point, scatter
from bench.report.section import Section
from bench.report.wording import line

ROOM = 2.5
"""The height of a picture, in the distance from the best entry to the worst of the front and the gray copy."""


@dataclass(frozen=True)
class Drawn:
    """One trade-off: its picture, its front in order, the gray copy, and entries above the picture."""

    trade: Trade
    picture: Markup
    front: tuple[Offer, ...]
    gray: float | None
    above: int


@dataclass(frozen=True)
class Place:
    """The trade-offs of one table."""

    domain: str
    track: str
    split: str
    drawn: tuple[Drawn, ...]
    machines: tuple[tuple[str, tuple[str, ...]], ...]


def body(page: Page) -> str:
    """Each board's first split by every cost that its records know, where there is more than one model."""
    places = []
    for board in page.boards:
        table = board.tables[0]
        models = {row.model for row in table.rows if row.rank is not None}
        if len(models) > 1 and (found := trades(table)):
            drawn = tuple(_drawn(trade, table, f"cost{len(places)}{trade.fact.id}") for trade in found)
            machines = tuple((trade.fact.name, tuple(line(name)[:80] for name in trade.machines)) for trade in found)
            places.append(Place(board.domain, board.track, table.split, drawn, machines))
    return render("cost.html.j2", places=places) if places else ""


def _drawn(trade: Trade, table: Table, id: str) -> Drawn:
    fact, gray = trade.fact, table.row(GRAY)
    front = tuple(
        sorted((offer for offer in trade.offers if offer.front), key=lambda offer: (offer.cost, offer.row.entry))
    )
    level = gray.cells[PRIMARY].value if gray and PRIMARY in gray.cells else None
    points = [
        Point(
            offer.row.entry, offer.cost, offer.quality.value or 0.0, offer.quality.low, offer.quality.high, offer.front
        )
        for offer in trade.offers
    ]
    finding = _finding(trade, front, level)
    best = min(point.y for point in points)
    matter = [point.y for point in points if point.front] + ([] if level is None else [level])
    ceiling = max(best + ROOM * (max(matter) - best), median(point.y for point in points))
    above = sum(point.y > ceiling for point in points)
    picture = scatter(
        id,
        points,
        x_axis=f"{fact.name} ({fact.unit}) {'↑' if fact.better == 'higher' else '↓'}",
        y_axis="CIEDE2000 ↓",
        logarithmic=min(point.x for point in points) > 0,
        better_x=fact.better,
        level=level,
        ceiling=ceiling,
        title=f"CIEDE2000 against {fact.name.lower()}",
        finding=finding,
    )
    return Drawn(trade, picture, front, level, above)


def _finding(trade: Trade, front: tuple[Offer, ...], gray: float | None) -> str:
    """The two ends of the front in words, and where doing nothing stands."""
    fact = trade.fact
    closest = min(front, key=lambda offer: offer.quality.value or 0.0)
    cheapest = min(front, key=lambda offer: fact.badness(offer.cost))
    said = f"Closest is {closest.row.entry} ({closest.quality.value or 0.0:.2f} at {fact.text(closest.cost)})"
    if cheapest is not closest:
        said += f"; best by cost of the front is {cheapest.row.entry} ({cheapest.quality.value or 0.0:.2f}"
        said += f" at {fact.text(cheapest.cost)})"
    said += f". {len(front)} of {len(trade.offers)} entries are on the front"
    if gray is None:
        return f"{said}."
    better = sum((offer.quality.value or 0.0) < gray for offer in front)
    return f"{said}, {better} of them closer than the gray copy ({gray:.2f})."


SECTION = Section("cost", "Cost: quality against what it takes", body)
