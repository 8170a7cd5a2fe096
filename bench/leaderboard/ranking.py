"""Who is best: skill, ranks, the ranks that the data leave open, and the best of each column."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bench.comparison import rank_intervals
from bench.leaderboard.shape import GRAY, PRIMARY, ROUND_TRIP, SKILL, Cell, Column, Row

RANK_RESAMPLES = 2_000


def skill(value: float, gray: float | None, round_trip: float | None) -> float | None:
    """(value - gray copy) / (Lab round trip - gray copy): 0 is leaving the picture gray, 1 is the target itself.

    Negative where the colours are further from the target than no colour. None where a reference is missing or the
    two agree.
    """
    if gray is None or round_trip is None or gray == round_trip:
        return None
    return (value - gray) / (round_trip - gray)


def with_skill(rows: list[Row]) -> list[Row]:
    """The rows with a cell of skill each."""
    values = {row.entry: row.cells[PRIMARY].value for row in rows if PRIMARY in row.cells}
    gray, round_trip = values.get(GRAY), values.get(ROUND_TRIP)
    scored = []
    for row in rows:
        value = values.get(row.entry)
        gained = None if value is None else skill(value, gray, round_trip)
        missing = f"needs CIEDE2000 and, on this board, {GRAY} and {ROUND_TRIP}" if gained is None else None
        cell = Cell(gained, absent=missing)
        scored.append(replace(row, cells={**row.cells, SKILL: cell}))
    return scored


def ranked(rows: list[Row], column: Column) -> list[Row]:
    """Best first; ranks skip references, and equal values share a rank."""
    placed = []
    for row in rows:
        value = row.cells[column.id].value if column.id in row.cells else None
        placed.append((value is None, 0.0 if value is None else column.better(value), row.entry, row))
    placed.sort(key=lambda one: one[:3])
    counted = [(value, row) for lacks, value, _, row in placed if not lacks and not row.reference]
    ranks: dict[str, int] = {}
    rank, before = 0, math.nan
    for number, (value, row) in enumerate(counted, 1):
        rank = rank if value == before else number
        ranks[row.entry], before = rank, value
    spans = _spans([row for _, row in counted], column)
    return [replace(row, rank=ranks.get(row.entry), ranks=spans.get(row.entry)) for *_, row in placed]


def with_best(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Marks, in each column, the cells of ranked rows that no other ranked row betters.

    Whether a metric applies to an image may depend on what was painted: bleeding needs colour. An entry that has it for
    fewer images than another is not marked, or who hardly paints would be best.
    """
    marks: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        if column.direction is None:
            continue
        known = [
            (cell, row.entry)
            for row in rows
            if row.rank is not None and (cell := row.cells.get(column.id)) is not None and cell.value is not None
        ]
        least = min((cell.missing for cell, _ in known), default=0)
        values = [(column.better(cell.value or 0.0), entry) for cell, entry in known if cell.missing == least]
        best = min(values, default=(math.nan, ""))[0]
        for value, entry in values:
            if value == best:
                marks[entry].append(column.id)
    return [
        replace(row, cells={**row.cells, **{id: replace(row.cells[id], best=True) for id in marks[row.entry]}})
        if row.entry in marks
        else row
        for row in rows
    ]


def _groups(row: Row) -> tuple[str, ...]:
    """The groups that all of a row's records tell of, in alphabetical order; none where they differ."""
    found = {tuple(sorted(record.groups)) for record in row.records}
    return found.pop() if len(found) == 1 else ()


def _spans(rows: Sequence[Row], column: Column) -> dict[str, tuple[int, int]]:
    """The ranks that the data leave open, by paired differences on the same groups; none of a row that lacks these.

    Where entries were trained several times, the ranks are for other trainings too: see `rank_intervals`.
    """
    told = Counter(_groups(row) for row in rows)
    names = max(told, key=lambda one: (told[one], len(one)), default=())
    rows = [row for row in rows if _groups(row) == names]
    if len(names) < 2 or len(rows) < 2:
        return {}
    values = {row.entry: np.array([[record.groups[name] for record in row.records] for name in names]) for row in rows}
    seeds = {row.entry: row.seeds for row in rows}
    direction: Literal["lower", "higher"] = "higher" if column.direction == "higher" else "lower"
    ranks = rank_intervals(values, names, direction=direction, seeds=seeds, resamples=RANK_RESAMPLES)
    return {entry: (rank.best, rank.worst) for entry, rank in ranks.items()}
