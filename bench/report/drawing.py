"""What the templates draw with: the environment, and the few functions that a table's cells need."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.leaderboard import GRAY, PRIMARY, SKILL, Board, Cell, Column, Row, Table
from bench.report import wording
from bench.report.content import Matrix, Page
from bench.report.overview import doubted, doubts, lead, sentence
from bench.types import MIXED

JOINT = re.compile(r"(?=[@+])")


@dataclass(frozen=True)
class Scale:
    """The horizontal axis of a table's interval drawings: what ranked entries and the gray copy span."""

    low: float
    high: float
    gray: float | None

    MARGIN = 4.0

    def x(self, value: float) -> float:
        """The place of a value, in percent of the drawing's width, kept inside it."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.MARGIN + min(max(share, 0.0), 1.0) * (100 - 2 * self.MARGIN), 1)

    def beyond(self, value: float) -> str:
        """Which edge a value lies behind: `left`, `right` or empty."""
        return "left" if value < self.low else "right" if value > self.high else ""


def drawn(axis: Scale, cell: Cell) -> Markup:
    """A cell's interval and value on the axis; the style sheet draws it. The numbers stand beside it as text."""
    if cell.value is None:
        return Markup("")
    beyond = axis.beyond(cell.value)
    if beyond:
        return Markup('<i class="iv {}"></i>').format(beyond)
    low, high = (axis.x(cell.value if end is None else end) for end in (cell.low, cell.high))
    style = f"--l:{low:g};--h:{high:g};--v:{axis.x(cell.value):g}"
    return Markup('<i class="iv" style="{}"></i>').format(style)


def scale(table: Table) -> Scale:
    """The axis for the ranking metric of a table.

    It spans the gray copy and the better three quarters of the ranked entries: one that failed would press all others
    into a point, and is drawn as an arrow at the edge instead.
    """
    rows = [row for row in table.rows if row.rank is not None and PRIMARY in row.cells]
    rows = rows[: max(4, -(-3 * len(rows) // 4))] or [row for row in table.rows if PRIMARY in row.cells]
    gray = table.row(GRAY)
    at = gray.cells[PRIMARY] if gray and PRIMARY in gray.cells else Cell(None)
    ends = [end for cell in (at, *(row.cells[PRIMARY] for row in rows)) for end in (cell.low, cell.value, cell.high)]
    known = [end for end in ends if end is not None]
    return Scale(min(known, default=0.0), max(known, default=1.0), at.value)


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
    return Markup("<wbr>").join(JOINT.split(name))


def cell_of(row: Row, column: Column) -> Cell:
    """The row's cell, or one that says that the record has none."""
    return row.cells.get(column.id, Cell(None, absent="not in the record"))


def number(column: Column, value: float) -> str:
    """The value with a true minus sign."""
    return column.text(value).replace("-", "−")


def domains(shown: Page) -> Iterable[tuple[str, list[Board]]]:
    """The page's boards by domain."""
    return [(domain, list(found)) for domain, found in groupby(shown.boards, lambda board: board.domain)]


def render(name: str, **context: object) -> str:
    """A template with its context, as text."""
    return _environment().get_template(name).render(**context)


def asset(name: str) -> Markup:
    """A script of this project as it stands, or nothing where there is none; its braces are its own."""
    path = files("bench.report") / "templates" / name
    return Markup(path.read_text(encoding="utf-8")) if path.is_file() else Markup("")


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
            "in_domain": in_domain, "cell_of": cell_of, "number": number, "domains": domains, "drawn": drawn,
            "asset": asset, "doubts": doubts, "doubted": doubted, "lead": lead,
            "sentence": sentence,
        }
    )  # fmt: skip
    environment.filters["breakable"] = breakable
    return environment
