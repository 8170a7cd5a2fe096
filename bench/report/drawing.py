"""What the templates draw with: the environment, and the few functions that a table's cells need."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.leaderboard import GRAY, PRIMARY, SKILL, Board, Cell, Column, Row, Table
from bench.report import wording
from bench.report.content import Matrix, Page, sliced
from bench.types import MIXED


@dataclass(frozen=True)
class Scale:
    """The horizontal axis of a table's interval drawings: what ranked entries and the gray copy span."""

    low: float
    high: float
    gray: float | None

    WIDTH = 120.0
    MARGIN = 5.0

    def x(self, value: float) -> float:
        """The place of a value, in the drawing's units, kept inside it."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.MARGIN + min(max(share, 0.0), 1.0) * (self.WIDTH - 2 * self.MARGIN), 1)

    def beyond(self, value: float) -> str:
        """Which edge a value lies behind: `left`, `right` or empty."""
        return "left" if value < self.low else "right" if value > self.high else ""


def scale(table: Table) -> Scale:
    """The axis for the ranking metric of a table."""
    cells = [row.cells[PRIMARY] for row in table.rows if PRIMARY in row.cells and (row.rank or row.entry == GRAY)]
    cells = cells or [row.cells[PRIMARY] for row in table.rows if PRIMARY in row.cells]
    ends = [end for cell in cells for end in (cell.low, cell.value, cell.high) if end is not None]
    gray = table.row(GRAY)
    at = gray.cells[PRIMARY].value if gray and PRIMARY in gray.cells else None
    return Scale(min(ends, default=0.0), max(ends, default=1.0), at)


def heat(matrix: Matrix) -> list[list[int | None]]:
    """How good each cell is within its own column, 0 (worst) to 100 (best); None without a value."""
    columns = []
    for cells in zip(*(row.cells for row in matrix.rows), strict=True):
        values = [None if cell is None or cell.value is None else matrix.column.better(cell.value) for cell in cells]
        known = [value for value in values if value is not None]
        span = max(known) - min(known) if known else 0.0
        columns.append([None if v is None else round(100 * (max(known) - v) / span) if span else 50 for v in values])
    return [list(row) for row in zip(*columns, strict=True)]


def in_domain(row: Row, domain: str) -> bool:
    """Whether the entry was trained on the domain it is tested on."""
    return row.mix is not None and (row.mix == MIXED or domain in row.mix.split("+"))


def breakable(name: str) -> Markup:
    """An entry's name that may wrap after its joints, so that a phone's first column stays narrow."""
    out = Markup("")
    for character in name:
        out += Markup("<wbr>") + character if character in "@+" else Markup("{}").format(character)
    return out


def cell_of(row: Row, column: Column) -> Cell:
    """The row's cell, or one that says that the record has none."""
    return row.cells.get(column.id, Cell(None, absent="not in the record"))


def number(column: Column, value: float) -> str:
    """The value with a true minus sign."""
    return column.text(value).replace("-", "−")


def sort_value(row: Row, column: Column) -> str:
    """What sorting reads; empty sorts last whichever way."""
    value = cell_of(row, column).value
    return "" if value is None else repr(float(value))


def domains(shown: Page) -> Iterable[tuple[str, list[Board]]]:
    """The page's boards by domain."""
    return [(domain, list(found)) for domain, found in groupby(shown.boards, lambda board: board.domain)]


def render(name: str, **context: object) -> str:
    """A template with its context, as text."""
    return _environment().get_template(name).render(**context)


@cache
def _environment() -> Environment:
    """Autoescape everywhere: nothing that a record says reaches the page as markup."""
    environment = Environment(
        loader=PackageLoader("bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        {
            "PRIMARY": PRIMARY, "SKILL": SKILL, "GRAY": GRAY, "wording": wording, "scale": scale, "heat": heat,
            "in_domain": in_domain, "cell_of": cell_of, "sort_value": sort_value, "number": number, "domains": domains,
            "sliced": sliced,
        }
    )  # fmt: skip
    environment.filters["breakable"] = breakable
    return environment
