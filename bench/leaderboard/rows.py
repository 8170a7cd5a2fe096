"""The rows of a table: an entry's records, one a seed, become means and their intervals."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from bench.comparison import over_seeds_together, reach_over_seeds
from bench.errors import BenchError
from bench.leaderboard.order import grouped
from bench.leaderboard.shape import COSTS, PRIMARY, Cell, Row
from bench.metrics import METRICS
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

Ends = tuple[float | None, float | None]
"""Of an interval."""


def rows(records: Sequence[Record]) -> list[Row]:
    """A row for each entry, in the order of their names.

    Args:
        records: of one split and track.

    Raises:
        BenchError: where two records are of one seed, or an entry's seeds differ in their training.
    """
    made = [_row(sorted(found, key=lambda record: record.seed)) for _, found in grouped(records, _name)]
    ends = _over_seeds([row for row in made if len(row.records) > 1])
    return [_between(row, ends[row.entry]) if row.entry in ends else row for row in made]


def _between(row: Row, ends: Mapping[str, Ends]) -> Row:
    cells = {}
    for id, both in ends.items():
        least, most = METRICS[id].bounds if id in METRICS else (-math.inf, math.inf)
        low, high = (None if end is None else min(max(end, least), most) for end in both)
        cells[id] = replace(row.cells[id], low=low, high=high)
    return replace(row, cells={**row.cells, **cells})


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
    cells = {id: _mean_cell([record.scores.get(id) for record in records]) for id in ids}
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


def _over_seeds(found: Sequence[Row]) -> dict[str, dict[str, Ends]]:
    """By entry and metric, intervals for other groups and for another training: from group means where records have
    them, else from the records' own intervals."""
    alike: dict[tuple[int, ...], list[tuple[str, str, np.ndarray]]] = defaultdict(list)
    ends = {row.entry: _of_intervals(row) for row in found}
    for row in found:
        names = sorted(row.records[0].groups)
        if any(sorted(record.groups) != names for record in row.records):
            continue
        for id in row.cells.keys() & {PRIMARY, *row.records[0].means}:
            table = _group_means(row, id, names)
            if table is not None and row.cells[id].value is not None:
                alike[table.shape].append((row.entry, id, table))
    for tables in alike.values():
        made = over_seeds_together(np.array([table for *_, table in tables]))
        for (entry, id, _), one in zip(tables, made, strict=True):
            ends[entry][id] = one.low, one.high
    return ends


def _of_intervals(row: Row) -> dict[str, Ends]:
    """By metric the interval that the seeds' own ones make together; no metric that has none under a seed."""
    known: dict[str, list[tuple[float, float]]] = {}
    for id in row.records[0].scores:
        scores = [record.scores.get(id) for record in row.records]
        told = [
            # An end that was clipped is too near; the other one is as far off as that was.
            (score.value, max(score.high - score.value, score.value - score.low))
            for score in scores
            if score is not None and score.value is not None and score.low is not None and score.high is not None
        ]
        if len(told) == len(scores):
            known[id] = told
    if not known:
        return {}
    values, halves = np.moveaxis(np.array(list(known.values())), 2, 0)
    means, reach = values.mean(axis=1), reach_over_seeds(values, halves)
    return dict(zip(known, zip((means - reach).tolist(), (means + reach).tolist(), strict=True), strict=True))


def _group_means(row: Row, id: str, names: Sequence[str]) -> Float64[np.ndarray, "groups seeds"] | None:
    """A metric's group means under each seed; None where they are not of the same groups, at least one."""
    if id == PRIMARY:
        columns = [[record.groups[name] for name in names] for record in row.records]
    else:
        columns = [record.means.get(id, ()) for record in row.records]
    if any(len(column) != len(names) for column in columns):
        return None
    table = np.array(columns, dtype=np.float64).T
    known = np.isfinite(table)
    kept = known.all(axis=1)
    return table[kept] if kept.any() and (kept == known.any(axis=1)).all() else None


def _mean_cell(scores: Sequence[Score | None]) -> Cell:
    """The mean over seeds, in one pass: a large board has a hundred thousand cells.

    Args:
        scores: one a seed, None where a record lacks the metric. Without every seed's number there is no mean: the
            seeds that have one need not be like the others.
    """
    value, count, infinite, missing = 0.0, 0, 0, 0
    for score in scores:
        if score is None or score.value is None:
            continue
        count += 1
        value += score.value
        infinite += score.infinite
        missing = max(missing, score.missing)
    if count == 0:
        return Cell(None, absent=next(score.absent for score in scores if score is not None))
    if count < len(scores):
        why = next((score.absent for score in scores if score is not None and score.value is None), None)
        return Cell(None, absent=f"{count} of {len(scores)} seeds have it: {why or 'evaluate the others'}")
    low, high = (scores[0].low, scores[0].high) if count == 1 and scores[0] is not None else (None, None)
    return Cell(value / count, low, high, infinite, missing)


def _cost(values: Sequence[float | None], unit: float) -> Cell:
    mean = _mean(values)
    return Cell(None, absent="not in the record") if mean is None else Cell(mean / unit)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of all, or None where one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
