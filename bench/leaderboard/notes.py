"""What a reader must know of a table's numbers, each said once."""

from collections import defaultdict
from dataclasses import replace

from bench.leaderboard.columns import some
from bench.leaderboard.shape import Cell, Row, Table
from bench.metrics import METRICS
from bench.statistics import FEW_GROUPS


def shared_flags(rows: list[Row]) -> tuple[tuple[str, ...], list[Row]]:
    """A flag of every row is said once for the table, one of every trained row too; the others stay on their rows."""
    trained = [row for row in rows if row.kind == "trained"]
    every = dict.fromkeys(flag for row in rows for flag in row.flags)
    of_all = [flag for flag in every if all(flag in row.flags for row in rows)]
    of_trained = [
        flag for flag in every if flag not in of_all and len(trained) > 1 and all(flag in row.flags for row in trained)
    ]
    kept = [
        replace(
            row,
            flags=tuple(
                flag for flag in row.flags if flag not in of_all and not (row.kind == "trained" and flag in of_trained)
            ),
        )
        for row in rows
    ]
    return (*of_all, *(f"{flag} (every trained entry)" for flag in of_trained)), kept


def _range(counts: set[int]) -> str:
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def notes(table: Table) -> list[str]:
    """The sentences under a table."""
    said: list[str] = []
    for column in (*table.columns, *table.more):
        if column.kind == "cost":
            continue
        reasons: dict[str, list[str]] = defaultdict(list)
        for row in table.rows:
            # A value that not every evaluation has, such as the best of K samples, is not missed where it is not.
            missing = None if column.id not in METRICS else "not in the record; evaluate again"
            cell = row.cells.get(column.id, Cell(None, absent=missing))
            if cell.value is None and cell.absent is not None:
                reasons[cell.absent].append(row.entry)
        for reason, entries in reasons.items():
            whose = "" if len(entries) == len(table.rows) else f" for {some(entries)}"
            said.append(f"{column.name} is absent{whose}: {reason}")
        infinite = [f"{row.entry} {row.cells[column.id].infinite}" for row in table.rows
                    if column.id in row.cells and row.cells[column.id].infinite]  # fmt: skip
        if infinite:
            said.append(f"{column.name} leaves out images equal to their target (infinite): {', '.join(infinite)}")
    for column in table.more:
        missing = {row.cells[column.id].missing for row in table.rows if column.id in row.cells}
        if missing - {0}:
            fewer = "; the best is sought among the entries that have it for the most" if len(missing) > 1 else ""
            said.append(f"{column.name} does not apply to {_range(missing - {0})} of {table.n} images{fewer}")
    if table.groups < 2:
        said.append(f"No intervals: they need at least two groups, this split has {table.groups}")
    elif table.groups < FEW_GROUPS:
        said.append(f"Only {table.groups} groups: the intervals are Student's t of their means, and wide")
    if any(len(row.seeds) > 1 for row in table.rows):
        said.append(
            "×k after an entry: the mean over k seeds; its intervals and ranks are for other groups and another"
            " training. Where records hold no group means, an interval is the seeds' mean interval joined with"
            " Student's t of their values, rather too wide than too narrow"
        )
    if any(row.ranks and row.ranks[0] != row.ranks[1] for row in table.rows):
        said.append("Ranks in brackets: those that paired differences in CIEDE2000 by group leave open, at 95 %")
    if any(row.sees_target for row in table.rows):
        names = " and ".join(row.entry for row in table.rows if row.sees_target)
        said.append(f"† sees the target: {names}")
    return said
