"""Section: are pictures of series that the training knew painted better than those of unknown ones?"""

from itertools import groupby

from bench.analysis.generalization import SeenGaps, seen_gaps
from bench.leaderboard import track_order
from bench.report.content import Page
from bench.report.drawing import in_domain, render
from bench.report.forest import Forest, Spot
from bench.report.section import Section
from bench.report.sections.transfer import spot


def body(page: Page) -> str:
    """A forest for each track: drawn for the entries at home, with a table of all."""
    found = sorted(seen_gaps(page.boards), key=lambda gaps: track_order(gaps.track))
    tracks = []
    for number, (track, group) in enumerate(groupby(found, lambda gaps: gaps.track)):
        gaps = list(group)
        single = [one.domain for one in gaps if min(one.seen.groups, one.unseen.groups) < 2]
        tracks.append((track, _forest(gaps, f"seen{number}"), single))
    return render("gaps.html.j2", tracks=tracks) if tracks else ""


def _forest(found: list[SeenGaps], id: str) -> Forest:
    """Rows of the table: every entry; of the drawing: every model, by the entry trained on that domain alone."""
    domains = tuple(one.domain for one in found)
    spots: dict[str, dict[str, Spot]] = {}
    home: dict[str, dict[str, Spot]] = {}
    for one in found:
        rows = {row.entry: row for row in one.unseen.rows}
        for gap in one.gaps:
            row = rows[gap.entry]
            made = spot(gap, in_domain(row, one.domain))
            spots.setdefault(gap.entry, {})[one.domain] = made
            if row.mix == one.domain or (made.home and one.domain not in home.get(gap.model, {})):
                home.setdefault(gap.model, {})[one.domain] = made

    def lines(named: dict[str, dict[str, Spot]]) -> tuple[tuple[str, tuple[Spot | None, ...]], ...]:
        return tuple((name, tuple(cells.get(domain) for domain in domains)) for name, cells in named.items())

    return Forest(
        id, f"Seen minus unseen, {found[0].track}", "series − test, less gray's (ΔE00)",
        "closer on known series", "closer on unknown series", domains, lines(spots), drawn=lines(home),
    )  # fmt: skip


SECTION = Section("gaps", "Seen and unseen: what knowing the series is worth", body)
