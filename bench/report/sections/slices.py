"""Section: on which pictures entries are good, and on which they are not."""

from dataclasses import dataclass

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from bench.analysis.slicing import MAPPED, SliceMap, slice_map
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.forest import signed
from bench.report.section import Section


@dataclass(frozen=True)
class Shown:
    """One table's heat map, its number on the page, and what it shows in words."""

    number: int
    domain: str
    split: str
    map: SliceMap
    finding: str


def body(page: Page) -> str:
    """A heat map for every domain and split, track by track in the order of the boards.

    A page has ten thousands of cells: its script draws those that are asked for.
    """
    tracks: dict[str, list[Shown]] = {}
    maps: list[SliceMap] = []
    for board in page.boards:
        for table in board.tables:
            made = slice_map(table)
            if made is not None:
                shown = Shown(len(maps), board.domain, table.split, made, _finding(made))
                tracks.setdefault(board.track, []).append(shown)
                maps.append(made)
    return render("slices.html.j2", tracks=tracks, most=MAPPED, data=_data(maps)) if maps else ""


def _data(maps: list[SliceMap]) -> Markup:
    """What the script draws from, as JSON that may stand inside a `<script>`.

    Returns:
        `slices`: every name once. `maps`: `entries`, `wholes` (their means over the split), `rows` (`[name's place,
        images, value of each entry or null]`), `reach` (the furthest that a cell is from its entry's mean).
    """
    names: dict[str, int] = {}
    shown = [
        {
            "entries": [row.entry for row in made.entries],
            "wholes": [round(whole, 3) for whole in made.wholes],
            "reach": round(made.reach, 3),
            "rows": [
                [names.setdefault(name, len(names)), n, *(None if c is None else round(c.value, 3) for c in cells)]
                for name, n, cells in made.rows
            ],
        }
        for made in maps
    ]
    return htmlsafe_json_dumps({"slices": list(names), "maps": shown}, ensure_ascii=False, separators=(",", ":"))


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
