"""What a page shows: the boards, and their numbers again as transfer matrices, training mix by test domain."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.leaderboard import GRAY, PRIMARY, Board, Cell, Column, Row, Table, boards, domain_order, place, track_order
from bench.records import Record
from bench.types import EVALUATED_SPLITS, MIX_MODEL, MIXED

SLICED = 5
FLOORS = ("gray-floor", "series-floor")
"""References that bound what can be known, shown beside the entries."""

MATRIX_METRICS = (PRIMARY, "ssim", "psnr", "l1", "fid")


@dataclass(frozen=True)
class MatrixRow:
    """A training mix (or the gray copy) over the test domains; None where it was not evaluated."""

    name: str
    reference: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Matrix:
    """One model's transfer under one metric: training mix by test domain. `best` marks the best mix of a column."""

    split: str
    track: str
    model: str
    column: Column
    domains: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True)
class SliceRow:
    """One slice of a split: its name, its images, and CIEDE2000 of each entry on them; None where it is absent."""

    name: str
    n: int
    values: tuple[float | None, ...]
    best: int | None


@dataclass(frozen=True)
class Slices:
    """A split by its labels, for the first ranked entries and the references that bound them."""

    column: Column
    entries: tuple[Row, ...]
    rows: tuple[SliceRow, ...]


@dataclass(frozen=True)
class Page:
    """Everything one collection at one size has to show."""

    collection: str
    size: int
    boards: tuple[Board, ...]
    matrices: tuple[Matrix, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record behind its rows, in the order of the boards."""
        return tuple(r for board in self.boards for table in board.tables for row in table.rows for r in row.records)

    @property
    def stem(self) -> str:
        return f"{self.collection}-{self.size}px"


def pages(records: Iterable[Record]) -> list[Page]:
    """Every collection and size, in alphabetical and numerical order.

    Raises:
        BenchError: where numbers of one board differ in signature, or seeds of one entry in their training.
    """
    found: dict[tuple[str, int], list[Board]] = {}
    for board in boards(records):
        found.setdefault((board.collection, board.size), []).append(board)
    return [Page(*place, tuple(made), tuple(matrices(made))) for place, made in found.items()]


def matrices(made: Sequence[Board]) -> list[Matrix]:
    """The transfer matrices of one collection and size; a model trained on one mix for one domain has none.

    Args:
        made: the boards of one collection and size.
    """
    found = []
    places: dict[tuple, dict[str, Table]] = defaultdict(dict)
    for board in made:
        for table in board.tables:
            places[place(EVALUATED_SPLITS, table.split), track_order(board.track)][board.domain] = table
    for ((_, split), (_, _, track)), tables in sorted(places.items()):
        domains = tuple(sorted(tables, key=domain_order))
        models = {row.model for table in tables.values() for row in table.rows if row.mix is not None}
        for model in sorted(models, key=lambda model: (model != MIX_MODEL, model)):
            for metric in MATRIX_METRICS:
                matrix = _matrix(split, track, model, metric, {domain: tables[domain] for domain in domains})
                if matrix is not None:
                    found.append(matrix)
    return found


def sliced(table: Table) -> Slices | None:
    """A table by slices: what the split knows of its images, or what was measured of them.

    Columns are the gray copy, the floors, and the first `SLICED` ranked entries; a slice that is too small for a number
    is left out.

    Returns:
        None where no record tells of slices.
    """
    column = next((column for column in table.columns if column.id == PRIMARY), None)
    ranked = [row for row in table.rows if row.rank is not None][:SLICED]
    entries = [row for row in table.rows if row in ranked or row.entry == GRAY or row.entry in FLOORS]
    if column is None or not ranked:
        return None
    rows = []
    for name, facts in ranked[0].records[0].slices.items():
        values = tuple(_over_seeds(row, name) for row in entries)
        known = [column.better(v) for v, row in zip(values, entries, strict=True) if row in ranked and v is not None]
        if known:
            better = [None if v is None or row not in ranked else column.better(v)
                      for v, row in zip(values, entries, strict=True)]  # fmt: skip
            rows.append(SliceRow(name, facts.n, values, better.index(min(known))))
    return Slices(column, tuple(entries), tuple(rows)) if rows else None


def _over_seeds(row: Row, name: str) -> float | None:
    """The mean over an entry's seeds of its value on a slice."""
    values = [record.slices[name].value for record in row.records if name in record.slices]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(row.records) else None


def mix_order(mix: str) -> tuple:
    """Sorting key: single domains, then combinations, then `mixed`."""
    return mix == MIXED, mix.count("+"), [domain_order(part) for part in mix.split("+")]


def _matrix(split: str, track: str, model: str, metric: str, tables: Mapping[str, Table]) -> Matrix | None:
    columns = {domain: column for domain, table in tables.items() for column in table.columns if column.id == metric}
    found: dict[str, dict[str, Cell]] = defaultdict(dict)
    gray: dict[str, Cell] = {}
    for domain, table in tables.items():
        for row in table.rows:
            if metric not in row.cells:
                continue
            if row.model == model and row.mix is not None:
                found[row.mix][domain] = row.cells[metric]
            elif row.entry == GRAY:
                gray[domain] = row.cells[metric]
    measured = any(cell.value is not None for cells in found.values() for cell in cells.values())
    if not measured or (len(found) == 1 and len(tables) == 1):
        return None
    column = replace(next(iter(columns.values())), signature="")
    best = {
        domain: min(
            (column.better(c.value) for cells in found.values() if (c := cells.get(domain)) and c.value is not None),
            default=None,
        )
        for domain in tables
    }

    def cell(cells: Mapping[str, Cell], domain: str) -> Cell | None:
        one = cells.get(domain)
        return one and replace(one, best=one.value is not None and column.better(one.value) == best[domain])

    rows = [
        MatrixRow(mix, False, tuple(cell(found[mix], domain) for domain in tables))
        for mix in sorted(found, key=mix_order)
    ]
    if gray:
        cells = tuple(gray.get(domain) for domain in tables)
        rows.append(MatrixRow(GRAY, True, cells))
    return Matrix(split, track, model, column, tuple(tables), tuple(rows))
