"""Two entries on the same pictures: the paired difference, how sure it is, and where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import scores
from bench.analysis.contrasts import trainings
from bench.comparison import SeedSummary, apart_over_seeds, images_apart
from bench.errors import BenchError, unknown
from bench.leaderboard import Row
from bench.leaderboard.rows import rows as rows_of
from bench.metrics import METRICS, PRIMARY
from bench.records import Record

SHOWN = 5
"""Images on which each entry gains most."""


@dataclass(frozen=True)
class Gain:
    """One image: the first entry's CIEDE2000 minus the second's, the mean over trainings."""

    id: str
    group: str
    difference: float


@dataclass(frozen=True)
class Comparison:
    """The first entry minus the second on one split; of several trainings their mean, as on a board.

    Attributes:
        first, second: the entries, each with a record for every training.
        primary: the difference in CIEDE2000, over groups and trainings.
        ahead: groups in which the first is better.
        metrics: the difference in every metric, where the values an image of both entries lie on this machine.
        better, worse: the images on which the first gains and loses most, where they do.
    """

    first: Row
    second: Row
    primary: SeedSummary
    ahead: int
    metrics: Mapping[str, SeedSummary]
    better: tuple[Gain, ...] = ()
    worse: tuple[Gain, ...] = ()


def find(records: Sequence[Record], name: str, place: Mapping[str, object], seed: int | None = None) -> Row:
    """An entry at a place (`collection`, `size`, `domain`, `split`, `track`), with all its trainings or with one.

    Args:
        records: to look in.
        name: of the entry.
        place: by which facts.
        seed: of the one training that counts, where the entry was trained; None for all.

    Raises:
        BenchError: there is none; it says what there is. Or its trainings differ in more than the seed.
    """

    def at(record: Record) -> dict[str, object]:
        split = record.split
        return {
            "collection": split.collection,
            "size": split.size,
            "domain": split.domain,
            "split": split.name,
            "track": record.track,
        }

    here = [record for record in records if all(at(record)[key] == value for key, value in place.items())]
    if not here:
        where = ", ".join(f"{key} {value}" for key, value in place.items())
        raise BenchError(f"no record of {where}; see bench leaderboard for what there is, or run bench evaluate.")
    known = [record for record in here if record.entry.name == name]
    if not known:
        said = unknown("entry", name, sorted({record.entry.name for record in here}))
        raise BenchError(f"{said} Others come with: bench evaluate --model MODEL.")
    if len(sizes := sorted({record.split.size for record in known})) > 1:
        raise BenchError(f"{name} was scored at {' and '.join(map(str, sizes))} px; choose one with --size.")
    chosen = [record for record in known if seed is None or record.training is None or record.seed == seed]
    if not chosen:
        raise unknown("seed", str(seed), sorted(str(record.seed) for record in known))
    return rows_of(chosen)[0]


def compare(first: Row, second: Row, home: Path) -> Comparison:
    """Compare two entries on one split and track.

    Args:
        first, second: the entries.
        home: the folder that holds `scores/` with the values an image, where they were made on this machine.

    Raises:
        BenchError: the records are of other pictures, tracks or group means.
    """
    every = [*first.records, *second.records]
    for fact in ("digest", "key"):
        if len({getattr(record.split, fact) for record in every}) > 1:
            raise BenchError(
                "only entries on the same pictures are compared: "
                f"{first.records[0].split.key}, {second.records[0].split.key}."
            )
    made = [None if (score := record.scores.get(PRIMARY)) is None else score.signature for record in every]
    if unlike := [one for one in made if one != made[0]]:
        raise BenchError(f"only numbers made in one way are compared: {made[0]}, {unlike[0]}; evaluate both again.")
    if len(tracks := {record.track: None for record in every}) > 1:
        raise BenchError(f"only entries of one track are compared: {', '.join(tracks)}.")
    names = sorted(every[0].groups)
    if not names or any(sorted(record.groups) != names for record in every):
        raise BenchError("the records do not tell of the same groups; evaluate both entries again.")
    own, theirs = (
        np.array([[record.groups[name] for record in row.records] for name in names]) for row in (first, second)
    )
    seeds = trainings(first), trainings(second)
    primary = apart_over_seeds(own, theirs, seeds)
    ahead = int((own.mean(axis=1) < theirs.mean(axis=1)).sum())
    tables = [[scores.read(home, record) for record in row.records] for row in (first, second)]
    if any(table is None for side in tables for table in side):
        return Comparison(first, second, primary, ahead, {})
    read: list[list[scores.Table]] = [[table for table in side if table is not None] for side in tables]
    one = read[0][0]
    for row, side in zip((first, second), read, strict=True):
        for record, table in zip(row.records, side, strict=True):
            if one["id"] != table["id"] or not scores.of_run(record, table):
                raise BenchError(
                    f"the values an image in {home / 'scores'} are of another run of {record.entry.name} than its "
                    "record; evaluate both entries again, or name another --home."
                )
    metrics: dict[str, SeedSummary] = {}
    for id in METRICS:
        if all(id in table for side in read for table in side):
            columns = _column(read[0], id), _column(read[1], id)
            if np.isfinite(np.concatenate(columns, axis=1)).all(axis=1).any():
                metrics[id] = images_apart(*columns, one["group"], seeds, frames=one.get("frame"))
    apart = _column(read[0], PRIMARY).mean(axis=1) - _column(read[1], PRIMARY).mean(axis=1)
    order = np.argsort(apart, kind="stable")
    gains = [Gain(one["id"][place], one["group"][place], float(apart[place])) for place in order]
    better = tuple(gain for gain in gains[:SHOWN] if gain.difference < 0)
    worse = tuple(gain for gain in gains[::-1][:SHOWN] if gain.difference > 0)
    return Comparison(first, second, primary, ahead, metrics, better, worse)


def _column(tables: Sequence[scores.Table], id: str) -> np.ndarray:
    """A metric's values by image and training."""
    return np.array([table[id] for table in tables], dtype=np.float64).T


def rows(made: Comparison) -> list[dict[str, object]]:
    """Every metric's difference with its interval, for a table; CIEDE2000 alone where there are no values an image."""
    return [
        {
            "metric": METRICS[id].name,
            "better": METRICS[id].direction,
            "difference": found.value,
            "low": found.low,
            "high": found.high,
        }
        for id, found in (made.metrics or {PRIMARY: made.primary}).items()
    ]


def headline(made: Comparison) -> str:
    """The difference in one line."""
    low, high, p = made.primary.low, made.primary.high, made.primary.p
    sure = "" if low is None or high is None else f" [{low:+.2f}, {high:+.2f}]"
    chance = "" if p is None else ", p < 0.001" if p < 0.001 else f", p = {p:.2g}"
    uneven = made.first.uneven(made.second)
    first, second = (_named(row, uneven) for row in (made.first, made.second))
    record = made.first.records[0]
    return (
        f"{record.split.key} {record.track}: CIEDE2000 of {first} minus {second} is {made.primary.value:+.2f}"
        f"{sure}{chance}; {made.first.entry} is closer in {made.ahead} of {made.primary.groups} groups"
    )


def _named(row: Row, uneven: bool) -> str:
    """An entry and, where it was trained, with which seeds, and at which budget if that of the other is another."""
    if not row.budget:
        return row.entry
    budget = f", {row.budget} budget" if uneven else ""
    return f"{row.entry} (seed{'s' if len(row.seeds) > 1 else ''} {', '.join(map(str, row.seeds))}{budget})"
