"""The page 'What we found': its table is that of the committed records, its links lead to what they name."""

import re
from pathlib import Path

import pytest

from bench.leaderboard import GRAY, PRIMARY, boards
from bench.leaderboard.shape import Cell, Row, Table
from bench.parts import COLLECTIONS
from bench.records import read_all
from bench.types import DOMAINS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "what-we-found.md").read_text(encoding="utf-8")


HEADLINE = (("procedural-v1", "series"), ("open-v1", "test"))
"""What README.md's table tells of each domain."""


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, str, str], Table]:
    told = [record for record in read_all(ROOT / "leaderboards/records") if record.track == "gray"]
    return {(board.collection, board.domain, t.split): t for board in boards(told) for t in board.tables}


def leader(table: Table) -> tuple[Row, Cell, Cell]:
    """The first row of a table, its score, and the gray copy's."""
    copy = table.row(GRAY)
    assert table.leader is not None
    assert copy is not None
    return table.leader, table.leader.cells[PRIMARY], copy.cells[PRIMARY]


def interval(cell: Cell) -> str:
    return "–" if cell.low is None else f"[{cell.low:.2f}, {cell.high:.2f}]"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def test_the_table_says_what_the_records_say(tables) -> None:
    made = []
    for (collection, domain, split), table in tables.items():
        if collection not in COLLECTIONS:
            continue
        lead, cell, gray = leader(table)
        known = table.row("series-floor" if split == "series" else "gray-floor")
        floor = "–" if known is None else f"{known.cells[PRIMARY].value:.2f}"
        firsts = [row for row in table.rows if row.ranks is not None and row.ranks[0] == 1]
        may = "not known" if lead.ranks is None else str(len(firsts))
        first = (f"`{lead.entry}`", f"{cell.value:.2f}", interval(cell))
        made.append(line(collection, domain, split, str(table.groups), *first, f"{gray.value:.2f}", floor, may))
    assert len(made) == 16
    told = [line for line in PAGE.splitlines() if re.match(r"\| (procedural|open)-v1 \|", line)]
    assert told == made


def test_the_headline_says_what_the_records_say(tables) -> None:
    made = []
    for domain in DOMAINS:
        cells = [domain]
        for collection, split in HEADLINE:
            lead, cell, gray = leader(tables[collection, domain, split])
            cells += [f"`{lead.entry}`", f"{cell.value:.2f} {interval(cell)}", f"{gray.value:.2f}"]
        made.append(line(*cells))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = [line for line in text.splitlines() if re.match(rf"\| ({'|'.join(DOMAINS)}) \|", line)]
    assert told == made


def test_every_link_leads_to_an_anchor_of_a_page() -> None:
    links = re.findall(r"\]\((\.\./reports/[\w.-]+\.html)(?:#([\w-]+))?\)", PAGE)
    assert len(links) > 15
    for page, anchor in links:
        text = (ROOT / "docs" / page).resolve().read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, f"{page}#{anchor}"
