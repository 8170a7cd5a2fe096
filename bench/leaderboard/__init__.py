"""From records to boards: pure functions, stable order, no word about how they look."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.leaderboard.columns import columns
from bench.leaderboard.notes import notes, shared_flags
from bench.leaderboard.order import domain_order, grouped, place, track_order
from bench.leaderboard.ranking import RANK_RESAMPLES, ranked, skill, with_best, with_skill
from bench.leaderboard.rows import rows
from bench.leaderboard.shape import (
    COSTS,
    GRAY,
    MAIN,
    PRIMARY,
    ROUND_TRIP,
    SEES_TARGET,
    SKILL,
    Board,
    Cell,
    Column,
    Row,
    Table,
)
from bench.records import Record, collector_paused
from bench.types import EVALUATED_SPLITS

__all__ = [
    "COSTS",
    "GRAY",
    "MAIN",
    "PRIMARY",
    "RANK_RESAMPLES",
    "ROUND_TRIP",
    "SEES_TARGET",
    "SKILL",
    "Board",
    "Cell",
    "Column",
    "Row",
    "Table",
    "boards",
    "domain_order",
    "place",
    "skill",
    "track_order",
]


def boards(records: Iterable[Record]) -> list[Board]:
    """The boards of some records, ordered by collection, size, domain and track.

    Raises:
        BenchError: where numbers of one board differ in signature, or seeds of one entry in their training.
    """
    with collector_paused():
        return _boards(records)


def _boards(records: Iterable[Record]) -> list[Board]:
    made = []
    places = grouped(
        records, lambda r: (r.split.collection, r.split.size, domain_order(r.split.domain), track_order(r.track))
    )
    for (collection, size, (_, domain), (_, _, track)), found in places:
        splits = grouped(found, lambda r: place(EVALUATED_SPLITS, r.split.name))
        tables = tuple(_table(rows) for _, rows in splits)
        made.append(Board(collection, size, domain, track, tables))
    return made


def _table(records: Sequence[Record]) -> Table:
    main, more = columns(records)
    split = records[0].split
    made = with_skill(rows(records))
    if PRIMARY in {column.id for column in main}:
        made = ranked(made, next(column for column in main if column.id == PRIMARY))
    made = with_best(made, (*main, *more))
    flags, made = shared_flags(made)
    table = Table(split.name, split.key, split.n, split.groups, main, more, tuple(made), flags, ())
    return replace(table, notes=tuple(notes(table)))
