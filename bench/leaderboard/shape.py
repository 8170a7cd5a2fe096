"""What a board is made of: columns, cells, rows, tables. How any of it looks is said elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.metrics import PRIMARY
from bench.records import Cost, Record

SKILL = "skill"
GRAY = "gray-copy"
ROUND_TRIP = "lab-round-trip"
SEES_TARGET = ("half-saturation", ROUND_TRIP)
"""References that look at the answer: they bound a board, they do not play."""

MAIN = (
    PRIMARY,
    "ciede2000-p95",
    "ciede2000-over-2.3",
    "psnr",
    "ssim",
    "l1",
    "l2",
    "l1-ab",
    "l2-ab",
    "fid",
    "kid",
)
"""The columns of a board; every other number stands in its second table."""


@dataclass(frozen=True)
class CostColumn:
    """A fact of `Cost` as a column: its printed name and unit, how many of the fact a unit holds, and its meaning."""

    id: str
    name: str
    unit: str
    per: float
    decimals: int
    definition: str
    value: Callable[[Cost], float | None]


COSTS = (
    CostColumn("parameters", "Parameters", "M", 1e6, 2, "learned parameters, in millions", lambda c: c.parameters),
    CostColumn(
        "flops",
        "Operations",
        "GFLOP",
        1e9,
        2,
        "floating point operations for one image, two a multiply-add, in thousand millions",
        lambda cost: cost.flops,
    ),
    CostColumn(
        "memory",
        "Memory",
        "MiB",
        2**20,
        1,
        "most tensors alive at once for one image in float32, the weights among them",
        lambda cost: cost.memory_bytes,
    ),
    CostColumn("speed", "Speed", "images/s", 1, 0, "on the machine of each record", lambda c: c.images_per_second),
)


@dataclass(frozen=True)
class Column:
    """What a column holds. `direction` is None where neither end is better (costs)."""

    id: str
    name: str
    unit: str
    direction: str | None
    decimals: int
    kind: str
    signature: str

    def better(self, value: float) -> float:
        """The value, its sign turned so that smaller is better."""
        return -value if self.direction == "higher" else value

    def text(self, value: float) -> str:
        """The value as printed: fixed digits, no negative zero."""
        shown = f"{value:.{self.decimals}f}"
        return shown.removeprefix("-") if float(shown) == 0 else shown


@dataclass(frozen=True)
class Cell:
    """A value, or why there is none. `best` marks the best of its column among ranked entries."""

    value: float | None
    low: float | None = None
    high: float | None = None
    infinite: int = 0
    missing: int = 0
    absent: str | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """An entry on one split, the mean over its seeds.

    Attributes:
        rank: from 1; None for references and where the ranking metric is absent.
        ranks: the ranks that the intervals do not exclude (first, last), or None where there are no intervals.
        seeds: the seeds that were averaged.
        records: the records behind the row.
    """

    entry: str
    model: str
    mix: str | None
    kind: str
    rank: int | None
    ranks: tuple[int, int] | None
    seeds: tuple[int, ...]
    cells: Mapping[str, Cell]
    flags: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def reference(self) -> bool:
        return self.kind == "reference"

    @property
    def budget(self) -> str:
        """The name of the budget of its trainings, alike in all seeds; empty where nothing was trained."""
        training = self.records[0].training
        return "" if training is None else training.budget

    def uneven(self, other: "Row") -> bool:
        """Whether both were trained, at different budgets: then their difference is not that of the models alone."""
        return bool(self.budget and other.budget) and self.budget != other.budget

    @property
    def sees_target(self) -> bool:
        return self.reference and self.model in SEES_TARGET


@dataclass(frozen=True)
class Table:
    """The rows of one split: best first, references in place but unranked. `more` columns stand in a second table."""

    split: str
    key: str
    n: int
    groups: int
    columns: tuple[Column, ...]
    more: tuple[Column, ...]
    rows: tuple[Row, ...]
    flags: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def leader(self) -> Row | None:
        """The first ranked row."""
        return next((row for row in self.rows if row.rank is not None), None)

    @property
    def budgets(self) -> tuple[str, ...]:
        """The budgets of its ranked rows, each once."""
        return tuple(sorted({row.budget for row in self.rows if row.rank is not None and row.budget}))

    def row(self, entry: str) -> Row | None:
        return next((row for row in self.rows if row.entry == entry), None)


@dataclass(frozen=True)
class Board:
    """One domain and track of one collection at one size: a table for each split."""

    collection: str
    size: int
    domain: str
    track: str
    tables: tuple[Table, ...]
