"""What a busy reader asks of a board first: who leads, by how much, is that certain, at what cost, against gray."""

from dataclasses import dataclass
from functools import cached_property

from bench.analysis.contrasts import Contrast, paired
from bench.leaderboard import GRAY, PRIMARY, SKILL, Board, Cell, Column, Row, Table
from bench.report import wording
from bench.statistics import FEW_GROUPS


@dataclass(frozen=True)
class Lead:
    """The first of a table, and how far it leads.

    Attributes:
        row: the first ranked row.
        column: the ranking metric, CIEDE2000.
        second: the next ranked row, or None.
        gap: by how much the second is worse, in the metric's unit, 0 or more; None without a second.
        contenders: ranked rows that may be first, this one among them; None where the data leave no interval of ranks.
        skill: the first's skill as printed, or None.
        unpainted: the gray copy's row, or None.
        gray: what the gray copy has, or None.
        beats_gray: whether the first is closer to the target than no colour; None without a gray copy.
    """

    row: Row
    column: Column
    second: Row | None
    gap: float | None
    contenders: int | None
    skill: str | None
    unpainted: Row | None
    gray: float | None
    beats_gray: bool | None

    @property
    def cell(self) -> Cell:
        """The leader's value of the ranking metric, with its interval."""
        return self.row.cells[PRIMARY]

    @property
    def certain(self) -> bool | None:
        """Whether no other entry may be first; None where the data cannot say."""
        return None if self.contenders is None else self.contenders == 1

    @cached_property
    def over_gray(self) -> Contrast | None:
        """The first minus the gray copy on the same pictures; None where their records cannot be paired."""
        return None if self.unpainted is None else paired(self.row, self.unpainted)

    @property
    def caution(self) -> bool:
        """Whether it is not sure that the first is closer than the gray copy; not where there is no gray copy."""
        return self.gray is not None and not (self.beats_gray and self.over_gray is not None and self.over_gray.sure)

    @property
    def cost(self) -> str:
        """`21.3 M parameters, 140 images/s`, as far as the record knows."""
        parameters, speed = (self.row.cells.get(id, Cell(None)).value for id in ("parameters", "speed"))
        said = [] if parameters is None else [f"{parameters:.2f} M parameters"]
        return ", ".join(said + ([] if speed is None else [f"{speed:,.0f} images/s"]))


def lead(table: Table) -> Lead | None:
    """Who leads a table; None where nothing is ranked."""
    columns = {column.id: column for column in table.columns}
    column = columns.get(PRIMARY)
    ranked = sorted((row for row in table.rows if row.rank is not None), key=lambda row: row.rank or 0)
    if column is None or not ranked:
        return None
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    unpainted = table.row(GRAY)
    values = [row.cells[PRIMARY].value if row is not None else None for row in (first, second, unpainted)]
    best, next_best, gray = (None if value is None else column.better(value) for value in values)
    open_to = None if first.ranks is None else sum(row.ranks is not None and row.ranks[0] == 1 for row in ranked)
    skill = first.cells.get(SKILL, Cell(None)).value
    return Lead(
        row=first,
        column=column,
        second=second,
        gap=None if best is None or next_best is None else next_best - best,
        contenders=open_to,
        skill=None if skill is None or SKILL not in columns else columns[SKILL].text(skill).replace("-", "−"),
        unpainted=unpainted,
        gray=values[2],
        beats_gray=None if best is None or gray is None else best < gray,
    )


def doubts(table: Table) -> list[str]:
    """Why a table's numbers bear less than they seem to, each in a few words."""
    few = [] if table.groups >= FEW_GROUPS else [f"only {table.groups} group{'' if table.groups == 1 else 's'}"]
    return [*few, *table.flags]


def doubted(table: Table, column: Column) -> str:
    """Why a column is unreliable, such as `FID under 2,048 images`; empty where nothing is known against it."""
    flags = (flag for row in table.rows for flag in row.flags)
    return next((flag for flag in (*table.flags, *flags) if flag.startswith(f"{column.name} under ")), "")


def sentence(board: Board, found: Lead) -> str:
    """The caution of a card: how the leader stands against not colouring at all, and whether that is sure."""
    if found.gray is None:
        return ""
    gray = found.column.text(found.gray)
    than = "closer than" if found.beats_gray else "not closer than"
    said = f"{than} {wording.unpainted(board)} ({gray})"
    if found.over_gray is None or found.over_gray.low is None:
        return f"{said}, no interval"
    return said if found.over_gray.sure else f"{said}, not surely"
