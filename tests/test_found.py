"""The page 'What we found': its table is that of the committed records, its links lead to what they name."""

import re
from pathlib import Path

import pytest

from bench.leaderboard import GRAY, PRIMARY, boards
from bench.records import read_all

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "what-we-found.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| (procedural|open)-v1 \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_says_what_the_records_say(rows: list[list[str]]) -> None:
    told = [record for record in read_all(ROOT / "leaderboards/records") if record.track == "gray"]
    tables = {(board.collection, board.domain, t.split): t for board in boards(told) for t in board.tables}
    assert len(rows) == 16
    for collection, domain, split, groups, first, value, interval, gray, floor, may in rows:
        table = tables[collection, domain, split]
        lead, copy = table.leader, table.row(GRAY)
        assert lead is not None
        assert copy is not None
        cell = lead.cells[PRIMARY]
        assert (groups, first, value) == (str(table.groups), f"`{lead.entry}`", f"{cell.value:.2f}")
        assert interval == ("–" if cell.low is None else f"[{cell.low:.2f}, {cell.high:.2f}]")
        assert gray == f"{copy.cells[PRIMARY].value:.2f}"
        known = table.row("series-floor" if split == "series" else "gray-floor")
        assert floor == ("–" if known is None else f"{known.cells[PRIMARY].value:.2f}")
        first_or_not = [row.entry for row in table.rows if row.ranks is not None and row.ranks[0] == 1]
        assert may == ("not known" if lead.ranks is None else str(len(first_or_not)))


def test_every_link_leads_to_an_anchor_of_a_page() -> None:
    links = re.findall(r"\]\((\.\./reports/[\w.-]+\.html)(?:#([\w-]+))?\)", PAGE)
    assert len(links) > 15
    for page, anchor in links:
        text = (ROOT / "docs" / page).resolve().read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, f"{page}#{anchor}"
