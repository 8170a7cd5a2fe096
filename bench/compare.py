"""Two entries on the same pictures: the paired difference, how sure it is, and where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import scores
from bench.comparison import difference
from bench.errors import BenchError, unknown
from bench.metrics import METRICS, PRIMARY
from bench.records import Record
from bench.statistics import Summary

SHOWN = 5
"""Images on which each entry gains most."""


@dataclass(frozen=True)
class Gain:
    """One image: the first entry's CIEDE2000 minus the second's."""

    id: str
    group: str
    difference: float


@dataclass(frozen=True)
class Comparison:
    """The first entry minus the second on one split.

    Attributes:
        first, second: the records.
        primary: the difference in CIEDE2000, over groups.
        p: two-sided p-value of no difference, by the paired t-test on group means; None with fewer than two groups.
        ahead: groups in which the first is better.
        metrics: the difference in every metric, where the values an image of both entries lie on this machine.
        better, worse: the images on which the first gains and loses most, where they do.
    """

    first: Record
    second: Record
    primary: Summary
    p: float | None
    ahead: int
    metrics: Mapping[str, Summary]
    better: tuple[Gain, ...] = ()
    worse: tuple[Gain, ...] = ()


def find(records: Sequence[Record], name: str, place: Mapping[str, object]) -> Record:
    """The record of an entry at a place (`collection`, `size`, `domain`, `split`, `track`, `seed`).

    Raises:
        BenchError: there is none; it says what there is.
    """

    def at(record: Record) -> dict[str, object]:
        split = record.split
        return {
            "collection": split.collection,
            "size": split.size,
            "domain": split.domain,
            "split": split.name,
            "track": record.track,
            "seed": record.seed,
        }

    here = [record for record in records if all(at(record)[key] == value for key, value in place.items())]
    if not here:
        where = ", ".join(f"{key} {value}" for key, value in place.items())
        raise BenchError(f"no record of {where}; see bench leaderboard for what there is, or run bench evaluate.")
    for record in here:
        if record.entry.name == name:
            return record
    raise unknown("entry", name, sorted({record.entry.name for record in here}))


def compare(first: Record, second: Record, home: Path) -> Comparison:
    """Compare two records of one split and track.

    Args:
        first, second: the entries' records.
        home: the folder that holds `scores/` with the values an image, where they were made on this machine.

    Raises:
        BenchError: the records are of other pictures, tracks or group means.
    """
    for fact in ("digest", "key"):
        if getattr(first.split, fact) != getattr(second.split, fact):
            raise BenchError(f"only entries on the same pictures are compared: {first.split.key}, {second.split.key}.")
    both = [record.scores.get(PRIMARY) for record in (first, second)]
    made = [None if score is None else score.signature for score in both]
    if made[0] != made[1]:
        raise BenchError(f"only numbers made in one way are compared: {made[0]}, {made[1]}; evaluate both again.")
    if first.track != second.track:
        raise BenchError(f"only entries of one track are compared: {first.track}, {second.track}.")
    names = sorted(first.groups)
    if not names or names != sorted(second.groups):
        raise BenchError("the records do not tell of the same groups; evaluate both entries again.")
    means = [np.array([record.groups[name] for name in names]) for record in (first, second)]
    primary = difference(means[0], means[1], names)
    ahead = int((means[0] < means[1]).sum())
    tables = [scores.read(home, record) for record in (first, second)]
    if any(table is None for table in tables):
        return Comparison(first, second, primary, _p(means[0] - means[1]), ahead, {})
    one, two = (table for table in tables if table is not None)
    for record, table in ((first, one), (second, two)):
        if one["id"] != two["id"] or not scores.of_run(record, table):
            raise BenchError(
                f"the values an image in {home / 'scores'} are of another run of {record.entry.name} than its record; "
                "evaluate both entries again, or name another --home."
            )
    groups, frames = one["group"], one.get("frame")
    metrics = {
        id: difference(np.array(one[id]), np.array(two[id]), groups, frames=frames)
        for id in METRICS
        if id in one and id in two
    }
    apart = np.array(one[PRIMARY]) - np.array(two[PRIMARY])
    order = np.argsort(apart, kind="stable")
    gains = [Gain(one["id"][place], groups[place], float(apart[place])) for place in order]
    better = tuple(gain for gain in gains[:SHOWN] if gain.difference < 0)
    worse = tuple(gain for gain in gains[::-1][:SHOWN] if gain.difference > 0)
    return Comparison(first, second, primary, _p(means[0] - means[1]), ahead, metrics, better, worse)


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
        if found.value is not None
    ]


def headline(made: Comparison) -> str:
    """The difference in one line."""
    low, high = made.primary.low, made.primary.high
    sure = "" if low is None or high is None else f" [{low:+.2f}, {high:+.2f}]"
    chance = "" if made.p is None else ", p < 0.001" if made.p < 0.001 else f", p = {made.p:.2g}"
    first, second = made.first.entry.name, made.second.entry.name
    return (
        f"{made.first.split.key} {made.first.track}: CIEDE2000 of {first} minus {second} is {made.primary.value:+.2f}"
        f"{sure}{chance}; {first} is closer in {made.ahead} of {made.primary.groups} groups"
    )


def _p(apart: np.ndarray) -> float | None:
    from scipy.special import stdtr

    count = len(apart)
    if count < 2:
        return None
    error = apart.std(ddof=1) / np.sqrt(count)
    if error == 0:
        return 1.0 if apart.mean() == 0 else 0.0
    return float(2 * stdtr(count - 1, -abs(apart.mean()) / error))
