"""Transfer: what a model learned in one domain is worth in another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.leaderboard import GRAY, PRIMARY, Board, Cell, Column, Table, domain_order, place, track_order
from bench.types import EVALUATED_SPLITS, MIX_MODEL, MIXED

MATRIX_METRICS = (PRIMARY, "ssim", "psnr", "l1", "fid", "fd-chroma")


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


def mix_order(mix: str) -> tuple:
    """Sorting key: single domains, then combinations, then `mixed`."""
    return mix == MIXED, mix.count("+"), [domain_order(part) for part in mix.split("+")]


def _matrix(split: str, track: str, model: str, metric: str, tables: Mapping[str, Table]) -> Matrix | None:
    columns = {
        domain: column
        for domain, table in tables.items()
        for column in (*table.columns, *table.more)
        if column.id == metric
    }
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
