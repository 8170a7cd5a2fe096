"""One table as rows of strings, in the way of a format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.leaderboard import GRAY, PRIMARY, SKILL, Column, Row, Table
from bench.report.overview import lead
from bench.report.wording import ABSENT, heading, interval, ranks


@dataclass(frozen=True)
class Style:
    """How a format writes what it is given.

    Attributes:
        text: escapes text from outside.
        best: marks the best value of a column.
        reference: marks the name of an unranked row.
        dash: stands for a value that is absent.
        number: heads the column of ranks.
    """

    text: Callable[[str], str]
    best: Callable[[str], str]
    reference: Callable[[str], str]
    dash: str = ABSENT
    number: str = "#"


def _name(row: Row, style: Style) -> str:
    seen = f" {style.text('†')}" if row.sees_target else ""
    seeds = f" {style.text(f'×{len(row.seeds)}')}" if len(row.seeds) > 1 else ""
    flags = f" ({style.text('; '.join(row.flags))})" if row.flags else ""
    name = style.text(row.entry)
    return (style.reference(name) if row.reference else name) + seen + seeds + flags


def cells(table: Table, columns: Sequence[Column], style: Style) -> tuple[list[str], list[list[str]]]:
    """Head and rows as a format writes them; the ranking metric carries its interval."""
    head = [style.number, "Entry", *(style.text(heading(column)) for column in columns)]
    rows = []
    for row in table.rows:
        shown = [style.text(ranks(row)), _name(row, style)]
        for column in columns:
            cell = row.cells.get(column.id)
            if cell is None or cell.value is None:
                shown.append(style.dash)
                continue
            value = style.best(column.text(cell.value)) if cell.best else column.text(cell.value)
            around = interval(column, cell) if column.id == PRIMARY else ""
            shown.append(f"{value} {around}" if around else value)
        rows.append(shown)
    return head, rows


LEADS = ("n", "Entries", "First by CIEDE2000", "CIEDE2000 ↓", "gray-copy", "Skill ↑", "May be first", "Budget")
"""The columns of an index; see `leads`."""


def leads(table: Table) -> list[str]:
    """Who leads a table and how sure that is: a cell for each of `LEADS`."""
    columns = {column.id: column for column in table.columns}

    def shown(row: Row | None, id: str) -> str:
        value = row.cells[id].value if row and id in columns and id in row.cells else None
        return ABSENT if value is None else columns[id].text(value)

    found = lead(table)
    first = found.row if found else None
    entries = sum(row.rank is not None for row in table.rows)
    values = [shown(first, PRIMARY), shown(table.row(GRAY), PRIMARY), shown(first, SKILL)]
    contenders = ABSENT if found is None or found.contenders is None else str(found.contenders)
    budget = ", ".join(table.budgets) or ABSENT
    return [f"{table.n:,}", str(entries), first.entry if first else ABSENT, *values, contenders, budget]
