"""Section: the papers' own numbers beside ours. They were made on other pictures, and are never ranked."""

from dataclasses import dataclass
from itertools import groupby

from bench.leaderboard import Cell, Column, Row, Table
from bench.papers import DERIVED, NUMBERS, ORDERS, PAPERS, REPORTED, Reported
from bench.report.content import Page
from bench.report.drawing import render
from bench.report.section import Section
from bench.report.wording import interval

SPLITS = ("series", "test")
"""Ours that are nearest to the papers' random splits, best first."""


@dataclass(frozen=True)
class Ours:
    """Our number for a paper's: the model that stands for it, on the nearest board.

    Attributes:
        text: the value with its interval, or a dash.
        where: the entry and its board.
        absent: why there is no value.
    """

    text: str
    where: str
    absent: str | None = None


@dataclass(frozen=True)
class Beside:
    """A paper's number and ours for it, one a track that may be meant."""

    reported: Reported
    ours: tuple[Ours, ...]

    @property
    def place(self) -> tuple[int, str, str]:
        """What rows of one model on one input share, in the order of the paper's table."""
        one = self.reported
        first = next(place for place, other in enumerate(NUMBERS) if _same(one, other))
        return first, one.row, one.input


def beside(page: Page) -> list[Beside]:
    """Every reported number, in the papers' order, with what this page's boards have for it."""
    tables = {(board.domain, board.track, table.split): table for board in page.boards for table in board.tables}
    return [Beside(one, tuple(_ours(one, track, tables) for track in one.tracks)) for one in NUMBERS]


def body(page: Page) -> str:
    rows = beside(page)
    if not any(ours.absent is None for row in rows for ours in row.ours):
        return ""
    papers = [(PAPERS[paper], list(found)) for paper, found in groupby(rows, lambda row: row.reported.paper)]
    return render("papers.html.j2", papers=papers, orders=ORDERS, known=PAPERS, mark=REPORTED)


def _same(one: Reported, other: Reported) -> bool:
    return (one.paper, one.row, one.input) == (other.paper, other.row, other.input)


def _ours(reported: Reported, track: str, tables: dict[tuple[str, str, str], Table]) -> Ours:
    entry = f"{reported.model}@{reported.domain}"
    for split in SPLITS:
        table = tables.get((reported.domain, track, split))
        row = None if table is None else table.row(entry)
        if table is not None and row is not None:
            return _number(reported, table, row, f"{entry}, {reported.domain} {split}, {track}")
    return Ours("–", f"{entry}, {track}", "no record yet")


def _number(reported: Reported, table: Table, row: Row, where: str) -> Ours:
    columns = {column.id: column for column in (*table.columns, *table.more)}
    column, cell = columns.get(reported.metric_id), row.cells.get(reported.metric_id, Cell(None))
    if column is None or cell.value is None:
        return Ours("–", where, cell.absent or "not in the record")
    if reported.derived:
        return Ours(f"{DERIVED[reported.metric](cell.value):.{reported.decimals}f}", f"{where}, derived alike")
    return Ours(_text(column, cell), where)


def _text(column: Column, cell: Cell) -> str:
    return f"{column.text(cell.value or 0.0)} {interval(column, cell)}".rstrip()


SECTION = Section("papers", "Papers: what they report, beside ours", body)
