"""Slices: on which pictures an entry is good, and on which it is not."""

from dataclasses import dataclass

from bench.leaderboard import GRAY, PRIMARY, Column, Row, Table

SLICED = 5
MAPPED = 12
"""Entries that a map of slices shows at most."""

FLOORS = ("gray-floor", "series-floor")
"""References that bound what can be known, shown beside the entries."""


@dataclass(frozen=True)
class SliceRow:
    """One slice of a split: its name, its images, and CIEDE2000 of each entry on them; None where it is absent."""

    name: str
    n: int
    values: tuple[float | None, ...]
    best: int | None


@dataclass(frozen=True)
class MapCell:
    """An entry on a slice.

    Attributes:
        value: mean CIEDE2000.
        apart: less the entry's mean over the whole split; above 0, the slice is harder for it than the rest.
    """

    value: float
    apart: float


@dataclass(frozen=True)
class SliceMap:
    """Entries by slices.

    Attributes:
        column: the ranking metric.
        entries: the gray copy, if there, then the best mix of each model, best first.
        wholes: CIEDE2000 of each on the whole split.
        left_out: ranked entries that are not shown.
        rows: name, images, and a cell for each entry; None where the slice is too small for a number.
        reach: the largest difference of a cell from its entry's whole, in absolute value.
    """

    column: Column
    entries: tuple[Row, ...]
    wholes: tuple[float, ...]
    left_out: int
    rows: tuple[tuple[str, int, tuple[MapCell | None, ...]], ...]
    reach: float


@dataclass(frozen=True)
class Slices:
    """A split by its labels, for the first ranked entries and the references that bound them."""

    column: Column
    entries: tuple[Row, ...]
    rows: tuple[SliceRow, ...]


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


def slice_map(table: Table, most: int = MAPPED) -> SliceMap | None:
    """A table by slices, for the best mix of each model: the first `most` models by rank.

    Returns:
        None where no record tells of a slice that is large enough.
    """
    column = next((column for column in table.columns if column.id == PRIMARY), None)
    ranked = [row for row in table.rows if row.rank is not None]
    best: dict[str, Row] = {}
    for row in ranked:
        best.setdefault(row.model, row)
    gray = table.row(GRAY)
    entries = [*([gray] if gray else []), *list(best.values())[:most]]
    wholes = [row.cells[PRIMARY].value if PRIMARY in row.cells else None for row in entries]
    if column is None or not best or None in wholes:
        return None
    known = [whole for whole in wholes if whole is not None]
    rows = []
    for name, facts in entries[-1].records[0].slices.items():
        values = [_over_seeds(row, name) for row in entries]
        cells = tuple(
            None if value is None else MapCell(value, value - whole) for value, whole in zip(values, known, strict=True)
        )
        if any(cell is not None for cell in cells):
            rows.append((name, facts.n, cells))
    reach = max((abs(cell.apart) for _, _, cells in rows for cell in cells if cell is not None), default=0.0)
    made = SliceMap(column, tuple(entries), tuple(known), len(ranked) - min(len(best), most), tuple(rows), reach)
    return made if rows else None


def _over_seeds(row: Row, name: str) -> float | None:
    """The mean over an entry's seeds of its value on a slice."""
    values = [record.slices[name].value for record in row.records if name in record.slices]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(row.records) else None
