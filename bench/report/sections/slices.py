"""Section: on which pictures entries are good, and on which they are not."""

from bench.analysis.slicing import MAPPED, MapCell, SliceMap, slice_map
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.forest import signed
from bench.report.section import Section


def body(page: Page) -> str:
    """A heat map for every domain and split of the first track, the one that asks the most of an entry."""
    track = page.boards[0].track
    found = [
        (board.domain, table.split, made, _finding(made))
        for board in page.boards
        if board.track == track
        for table in board.tables
        if (made := slice_map(table)) is not None
    ]
    return render("slices.html.j2", track=track, found=found, most=MAPPED, signed=signed, shade=shade) if found else ""


def shade(cell: MapCell, reach: float) -> str:
    """The style of a cell: how far it is from its entry's mean, in percent of the furthest."""
    share = round(100 * abs(cell.apart) / reach) if reach else 0
    return f"--{'h' if cell.apart > 0 else 'e'}:{share}%"


def _finding(made: SliceMap) -> str:
    """The slices that are hardest and easiest for all shown entries but the gray copy, and the widest single one."""
    means = []
    for name, _, cells in made.rows:
        known = [c.apart for c, row in zip(cells, made.entries, strict=True) if c is not None and not row.reference]
        means += [(sum(known) / len(known), name)] if known else []
    if not means:
        return ""
    hardest, easiest = max(means), min(means)
    return (
        f"Hardest against an entry's own mean: {hardest[1]} ({signed(hardest[0])} ΔE00 on average);"
        f" easiest: {easiest[1]} ({signed(easiest[0])})."
    )


SECTION = Section("slices", "Slices: which pictures are hard for whom", body)
