"""From records to boards: pure functions, stable order, no word about how they look."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.comparison import over_seeds, rank_intervals
from bench.errors import BenchError
from bench.metrics import METRICS, PRIMARY
from bench.records import Record, Score
from bench.statistics import FEW_GROUPS
from bench.types import CONDITIONS, DOMAINS, EVALUATED_SPLITS, GUIDANCES, Track

RANK_RESAMPLES = 2_000
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


def boards(records: Iterable[Record]) -> list[Board]:
    """The boards of some records, ordered by collection, size, domain and track.

    Raises:
        BenchError: where numbers of one board differ in signature, or seeds of one entry in their training.
    """
    made = []
    places = _grouped(
        records, lambda r: (r.split.collection, r.split.size, domain_order(r.split.domain), track_order(r.track))
    )
    for (collection, size, (_, domain), (_, _, track)), found in places:
        splits = _grouped(found, lambda r: place(EVALUATED_SPLITS, r.split.name))
        tables = tuple(_table(rows) for _, rows in splits)
        made.append(Board(collection, size, domain, track, tables))
    return made


def skill(value: float, gray: float | None, round_trip: float | None) -> float | None:
    """(value - gray copy) / (Lab round trip - gray copy): 0 is leaving the picture gray, 1 is the target itself.

    Negative where the colours are further from the target than no colour. None where a reference is missing or the
    two agree.
    """
    if gray is None or round_trip is None or gray == round_trip:
        return None
    return (value - gray) / (round_trip - gray)


def domain_order(domain: str) -> tuple[int, str]:
    """Sorting key: the protocol's four domains first, a user's own after them."""
    return place(DOMAINS, domain)


def track_order(track: str) -> tuple[int, int, str]:
    """Sorting key: by condition, then by guidance."""
    parsed = Track.parse(track)
    return CONDITIONS.index(parsed.condition), GUIDANCES.index(parsed.guidance), track


def place(known: Sequence[str], name: str) -> tuple[int, str]:
    """Sorting key: the known names in their order, then all others by name."""
    return known.index(name) if name in known else len(known), name


def _grouped(records: Iterable[Record], key: Callable[[Record], tuple]) -> list[tuple[tuple, list[Record]]]:
    groups: dict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return sorted(groups.items())


def _table(records: list[Record]) -> Table:
    columns, more = _columns(records)
    split = records[0].split
    rows = [_row(found) for _, found in _grouped(records, lambda r: (r.entry.name,))]
    rows = _with_skill(rows)
    if PRIMARY in {column.id for column in columns}:
        rows = _ranked(rows, next(column for column in columns if column.id == PRIMARY))
    rows = [_with_best(row, rows, (*columns, *more)) for row in rows]
    shared, rows = _shared_flags(rows)
    made = Table(split.name, split.key, split.n, split.groups, columns, more, tuple(rows), shared, ())
    return replace(made, notes=tuple(_notes(made)))


def _columns(records: list[Record]) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The main columns with skill and costs, and all others in the order of the metrics."""
    ids = sorted({id for record in records for id in record.scores}, key=lambda id: place((*MAIN, *METRICS), id))
    columns = [_column(id, records) for id in ids if id in MAIN]
    more = tuple(_column(id, records) for id in ids if id not in MAIN)
    if PRIMARY in ids:
        made = f"({PRIMARY} - {GRAY}) / ({ROUND_TRIP} - {GRAY}), the means of {columns[0].signature}"
        columns.insert(1, Column(SKILL, "Skill", "", "higher", 2, "derived", made))
    if any(record.cost.parameters is not None for record in records):
        columns.append(Column("parameters", "Parameters", "M", None, 2, "cost", "learned parameters, in millions"))
    if any(record.cost.images_per_second is not None for record in records):
        columns.append(Column("speed", "Speed", "images/s", None, 0, "cost", "on the machine of each record"))
    return tuple(columns), more


def _column(id: str, records: list[Record]) -> Column:
    """The column of a metric, after making sure that its numbers were all made in one way."""
    measured = [(record, record.scores[id]) for record in records if id in record.scores]
    numbers = [(record, score) for record, score in measured if score.value is not None] or measured[:1]
    where = f"{numbers[0][0].split.key} {numbers[0][0].track}, {id}"
    for fact in ("signature", "name", "unit", "direction", "decimals", "kind"):
        entries: dict[object, list[str]] = defaultdict(list)
        for record, score in numbers:
            entries[getattr(score, fact)].append(record.entry.name)
        if len(entries) > 1:
            raise BenchError(_difference(where, fact, entries))
    first: Score = numbers[0][1]
    return Column(id, first.name, first.unit, first.direction, first.decimals, first.kind, first.signature)


def _difference(where: str, fact: str, entries: Mapping[object, list[str]]) -> str:
    """Which part of two signatures differs, and in whose records."""
    (one, whose_one), (two, whose_two) = sorted(entries.items(), key=lambda item: (-len(item[1]), str(item[0])))[:2]
    if fact == "signature":
        ends = ("version", "split", "encoding", "n", "size")
        parts = list(zip(reversed(str(one).split("|")), reversed(str(two).split("|")), strict=False))
        places = [place for place, (a, b) in enumerate(parts) if a != b]
        if places:
            fact = f"the signature's {ends[places[0]] if places[0] < len(ends) else 'definition'}"
            one, two = parts[places[0]]
    return (
        f"{where}: numbers made in different ways are not ranked together; {fact} is {one!r} for"
        f" {_some(whose_one)} but {two!r} for {_some(whose_two)}. Evaluate them again alike."
    )


def _some(names: Sequence[str], most: int = 3) -> str:
    unique = sorted(set(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")


def _row(records: list[Record]) -> Row:
    """One entry's records, one a seed, become a row of means."""
    records = sorted(records, key=lambda record: record.seed)
    first = records[0]
    seeds = tuple(record.seed for record in records)
    if len(set(seeds)) != len(seeds):
        raise BenchError(
            f"{first.split.key} {first.track}: two records of {first.entry.name} with one seed; remove one."
        )
    for fact in (
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
    ):
        values = {str(getattr(record.training, fact, None)) for record in records}
        if len(values) > 1:
            raise BenchError(
                f"{first.split.key} {first.track}: the seeds of {first.entry.name} differ in their training's {fact}"
                f" ({', '.join(sorted(values))[:120]}); train and evaluate them alike."
            )
    ids = sorted({id for record in records for id in record.scores})
    cells = {id: _mean_cell([record.scores[id] for record in records if id in record.scores]) for id in ids}
    if len(records) > 1 and PRIMARY in cells:
        cells[PRIMARY] = _with_seeds(cells[PRIMARY], records)
    cells["parameters"] = _cost([record.cost.parameters for record in records], 1e6)
    cells["speed"] = _cost([record.cost.images_per_second for record in records], 1)
    flags = tuple(dict.fromkeys(flag for record in records for flag in record.flags))
    entry = first.entry
    return Row(entry.name, entry.model, entry.mix, entry.kind, None, None, seeds, cells, flags, tuple(records))


def _with_seeds(cell: Cell, records: Sequence[Record]) -> Cell:
    """The interval for other groups and for another training; without the groups' means that of the seeds, averaged."""
    names = sorted(records[0].groups)
    if not names or any(sorted(record.groups) != names for record in records):
        return cell
    found = over_seeds([np.array([record.groups[name] for name in names]) for record in records], names)
    return replace(cell, low=found.low, high=found.high)


def _mean_cell(scores: Sequence[Score]) -> Cell:
    measured = [score for score in scores if score.value is not None]
    if not measured:
        return Cell(None, absent=scores[0].absent)
    return Cell(
        value=_mean([score.value for score in measured]),
        low=_mean([score.low for score in measured]),
        high=_mean([score.high for score in measured]),
        infinite=sum(score.infinite for score in measured),
        missing=max(score.missing for score in measured),
    )


def _cost(values: Sequence[float | None], unit: float) -> Cell:
    mean = _mean(values)
    return Cell(None, absent="not in the record") if mean is None else Cell(mean / unit)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _with_skill(rows: list[Row]) -> list[Row]:
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


def _ranked(rows: list[Row], column: Column) -> list[Row]:
    """Best first; ranks skip references, and equal values share a rank."""

    def key(row: Row) -> tuple[bool, float, str]:
        value = row.cells[column.id].value if column.id in row.cells else None
        return value is None, 0.0 if value is None else column.better(value), row.entry

    rows = sorted(rows, key=key)
    ranked = [row for row in rows if not row.reference and not key(row)[0]]
    ranks = {row.entry: 1 + sum(key(other)[1] < key(row)[1] for other in ranked) for row in ranked}
    spans = _spans(ranked, column)
    return [replace(row, rank=ranks.get(row.entry), ranks=spans.get(row.entry)) for row in rows]


def _spans(rows: Sequence[Row], column: Column) -> dict[str, tuple[int, int]]:
    """The ranks that the data leave open, by paired differences on the same groups; none where records lack these."""
    means = {row.entry: _group_means(row) for row in rows}
    names = sorted(next(iter(means.values()), {}))
    if len(names) < 2 or len(rows) < 2 or any(sorted(found) != names for found in means.values()):
        return {}
    values = {entry: np.array([found[name] for name in names]) for entry, found in means.items()}
    ranks = rank_intervals(values, names, direction=_direction(column), resamples=RANK_RESAMPLES)
    return {entry: (rank.best, rank.worst) for entry, rank in ranks.items()}


def _direction(column: Column) -> Literal["lower", "higher"]:
    return "higher" if column.direction == "higher" else "lower"


def _group_means(row: Row) -> dict[str, float]:
    """CIEDE2000 of each group, the mean over the row's seeds."""
    first = row.records[0].groups
    return {name: sum(record.groups.get(name, math.nan) for record in row.records) / len(row.records) for name in first}


def _with_best(row: Row, rows: Sequence[Row], columns: Sequence[Column]) -> Row:
    """Marks the cells of a ranked row that no other ranked row betters."""
    if row.rank is None:
        return row
    cells = dict(row.cells)
    for column in columns:
        cell = cells.get(column.id)
        if column.direction is None or cell is None or cell.value is None:
            continue
        values = (other.cells[column.id].value for other in rows if other.rank is not None and column.id in other.cells)
        best = min(column.better(value) for value in values if value is not None)
        cells[column.id] = replace(cell, best=column.better(cell.value) == best)
    return replace(row, cells=cells)


def _shared_flags(rows: list[Row]) -> tuple[tuple[str, ...], list[Row]]:
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


def _notes(table: Table) -> list[str]:
    """What a reader must know of this table's numbers, each said once."""
    notes = []
    for column in (*table.columns, *table.more):
        if column.kind == "cost":
            continue
        reasons: dict[str, list[str]] = defaultdict(list)
        for row in table.rows:
            cell = row.cells.get(column.id, Cell(None, absent="not in the record; evaluate again"))
            if cell.value is None and cell.absent is not None:
                reasons[cell.absent].append(row.entry)
        for reason, entries in reasons.items():
            whose = "" if len(entries) == len(table.rows) else f" for {_some(entries)}"
            notes.append(f"{column.name} is absent{whose}: {reason}")
        infinite = [f"{row.entry} {row.cells[column.id].infinite}" for row in table.rows
                    if column.id in row.cells and row.cells[column.id].infinite]  # fmt: skip
        if infinite:
            notes.append(f"{column.name} leaves out images equal to their target (infinite): {', '.join(infinite)}")
    for column in table.more:
        missing = {row.cells[column.id].missing for row in table.rows if column.id in row.cells} - {0}
        if missing:
            notes.append(f"{column.name} does not apply to {_range(missing)} of {table.n} images")
    if table.groups < 2:
        notes.append(f"No intervals: they need at least two groups, this split has {table.groups}")
    elif table.groups < FEW_GROUPS:
        notes.append(f"Only {table.groups} groups: the intervals are Student's t of their means, and wide")
    if any(len(row.seeds) > 1 for row in table.rows):
        notes.append(
            "×k after an entry: the mean over k seeds; its CIEDE2000 interval is for other groups and another training"
        )
    if any(row.ranks and row.ranks[0] != row.ranks[1] for row in table.rows):
        notes.append("Ranks in brackets: those that paired differences in CIEDE2000 by group leave open, at 95 %")
    if any(row.sees_target for row in table.rows):
        names = " and ".join(row.entry for row in table.rows if row.sees_target)
        notes.append(f"† sees the target: {names}")
    return notes
