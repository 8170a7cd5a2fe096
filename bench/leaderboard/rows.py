"""The rows of a table: an entry's records, one a seed, become means and their intervals."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.comparison import over_seeds_together
from bench.errors import BenchError
from bench.leaderboard.order import grouped
from bench.leaderboard.shape import COSTS, PRIMARY, Cell, Row
from bench.records import Record, Score

ALIKE = (
    "budget",
    "images",
    "batch_size",
    "width",
    "size",
    "collection",
    "splits",
    "recipe",
    "precision",
    "pretrained",
)
"""What the trainings of an entry's seeds have alike."""


def rows(records: Sequence[Record]) -> list[Row]:
    """A row for each entry, in the order of their names.

    Args:
        records: of one split and track.

    Raises:
        BenchError: where two records are of one seed, or an entry's seeds differ in their training.
    """
    made = [_row(sorted(found, key=lambda record: record.seed)) for _, found in grouped(records, _name)]
    ends = _over_seeds([row for row in made if len(row.records) > 1 and PRIMARY in row.cells])
    return [_between(row, *ends[row.entry]) if row.entry in ends else row for row in made]


def _between(row: Row, low: float | None, high: float | None) -> Row:
    return replace(row, cells={**row.cells, PRIMARY: replace(row.cells[PRIMARY], low=low, high=high)})


def _name(record: Record) -> tuple[str]:
    return (record.entry.name,)


def _row(records: Sequence[Record]) -> Row:
    """One entry's records, in the order of their seeds, become a row of means."""
    first = records[0]
    seeds = tuple(record.seed for record in records)
    where = f"{first.split.key} {first.track}"
    if len(set(seeds)) != len(seeds):
        raise BenchError(f"{where}: two records of {first.entry.name} with one seed; remove one.")
    if len(records) > 1 and (found := unlike(records)):
        raise BenchError(
            f"{where}: the seeds of {first.entry.name} differ in their training's {found[0]} ({found[1]}); train and"
            " evaluate them alike."
        )
    ids = sorted(set().union(*(record.scores for record in records)))
    cells = {id: _mean_cell([record.scores[id] for record in records if id in record.scores]) for id in ids}
    for cost in COSTS:
        cells[cost.id] = _cost([cost.value(record.cost) for record in records], cost.per)
    flags = tuple(dict.fromkeys(flag for record in records for flag in record.flags))
    entry = first.entry
    return Row(entry.name, entry.model, entry.mix, entry.kind, None, None, seeds, cells, flags, tuple(records))


def unlike(records: Sequence[Record]) -> tuple[str, str] | None:
    """The first fact in which the trainings of one entry's seeds differ, and what it is; None where none does."""
    for fact in ALIKE:
        values = [getattr(record.training, fact, None) for record in records]
        if any(value != values[0] for value in values):
            return fact, ", ".join(sorted({str(value) for value in values}))[:120]
    return None


def _over_seeds(found: Sequence[Row]) -> dict[str, tuple[float | None, float | None]]:
    """Intervals for other groups and for another training; none where the records lack the groups' means."""
    alike: dict[tuple, list[tuple[str, list[list[float]]]]] = defaultdict(list)
    for row in found:
        names = sorted(row.records[0].groups)
        if names and all(record.groups.keys() == row.records[0].groups.keys() for record in row.records):
            table = [[record.groups[name] for name in names] for record in row.records]
            alike[len(names), len(table)].append((row.entry, table))
    ends: dict[str, tuple[float | None, float | None]] = {}
    for tables in alike.values():
        made = over_seeds_together(np.array([table for _, table in tables]).transpose(0, 2, 1))
        ends |= {entry: (one.low, one.high) for (entry, _), one in zip(tables, made, strict=True)}
    return ends


def _mean_cell(scores: Sequence[Score]) -> Cell:
    """The mean over seeds, in one pass: a large board has a hundred thousand cells."""
    value = low = high = 0.0
    count = infinite = missing = 0
    bounded = True
    for score in scores:
        if score.value is None:
            continue
        count += 1
        value += score.value
        infinite += score.infinite
        missing = max(missing, score.missing)
        if score.low is None or score.high is None:
            bounded = False
        else:
            low += score.low
            high += score.high
    if count == 0:
        return Cell(None, absent=scores[0].absent)
    ends = (low / count, high / count) if bounded else (None, None)
    return Cell(value / count, *ends, infinite, missing)


def _cost(values: Sequence[float | None], unit: float) -> Cell:
    mean = _mean(values)
    return Cell(None, absent="not in the record") if mean is None else Cell(mean / unit)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of all, or None where one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
