"""What must hold between the fields of a record, beyond the type of each."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache, partial
from statistics import fmean
from typing import TypeVar

from bench.errors import BenchError
from bench.records.facts import Record, Score, Slice
from bench.records.shape import refuse
from bench.types import SPLITS, Mix, Track, slug

T = TypeVar("T")

PRIMARY = "ciede2000"
"""The metric that `groups` holds, as in `bench.metrics`, which may not be imported here."""
ROUNDING = 1e-5
"""Group means are written with six digits."""


def check(record: Record) -> None:
    """Refuse a record whose fields, each sound, contradict each other or hold a name that cannot stand in a path.

    Raises:
        BenchError: it names the first such field.
    """
    _check_names(record)
    for name, score in record.scores.items():
        _check_score(f"scores.{name}", score)
    for name, part in record.slices.items():
        _check_slice(f"slices.{name}", part, record.split.n)
    for name, means in record.means.items():
        _check_means(f"means.{name}", means, len(record.groups))
    _check_groups(record)


def contradictions(record: Record) -> Iterator[str]:
    """A line for every part (the names, a score, a slice) that `check` would refuse, not only for the first."""
    parts: list[Callable[[], None]] = [lambda: _check_names(record)]
    parts += [partial(_check_score, f"scores.{name}", score) for name, score in record.scores.items()]
    parts += [partial(_check_slice, f"slices.{name}", part, record.split.n) for name, part in record.slices.items()]
    parts += [partial(_check_means, f"means.{name}", m, len(record.groups)) for name, m in record.means.items()]
    parts.append(partial(_check_groups, record))
    for part in parts:
        try:
            part()
        except BenchError as error:
            yield str(error)


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    return slug("name", text)


@lru_cache(maxsize=4096)
def _mix(text: str) -> str:
    return Mix.parse(text).name


@lru_cache(maxsize=4096)
def _track(text: str) -> Track:
    return Track.parse(text)


def _named(where: str, reading: Callable[[str], T], text: str) -> T:
    try:
        return reading(text)
    except BenchError as error:
        raise BenchError(f"field {where}: {error}") from None


def _check_names(record: Record) -> None:
    """What stands in a path or a page is a slug, and what is said twice is said alike."""
    entry, split = record.entry, record.split
    _named("entry.model", _slug, entry.model)
    _named("split.collection", _slug, split.collection)
    _named("split.domain", _slug, split.domain)
    for name in record.scores:
        _named("scores", _slug, name)
    for title in record.slices:
        for word in title.split(":"):
            _named("slices", _slug, word)
    mix = None if entry.mix is None else _named("entry.mix", _mix, entry.mix)
    track = _named("track", _track, record.track)
    kind = "-clips" if track.temporal else ""
    if split.name not in SPLITS:
        refuse("split.name", " or ".join(SPLITS), split.name)
    for where, expected, got in (
        ("entry.mix", mix, entry.mix),
        ("entry.name", entry.model if mix is None else f"{entry.model}@{mix}", entry.name),
        ("track", track.name, record.track),
        ("split.key", f"{split.collection}/{split.domain}/{split.name}{kind}:{split.digest[:8]}", split.key),
    ):
        if expected != got:
            refuse(where, repr(expected), got)
    if len(split.digest) != 64 or set(split.digest) - set("0123456789abcdef"):
        refuse("split.digest", "64 hexadecimal digits", split.digest)
    for where, number in (("split.size", split.size), ("split.n", split.n), ("split.groups", split.groups)):
        if number < 1:
            refuse(where, "at least 1", number)
    if (entry.kind == "trained") != (record.training is not None):
        refuse("training", "the facts of a training for a trained entry, and only for one", record.training)
    try:
        datetime.fromisoformat(record.created)
    except ValueError:
        refuse("created", "a date and time such as 2026-11-21T08:00:00Z", record.created)


def _check_value(where: str, score: Score | Slice) -> None:
    if (score.value is None) == (score.absent is None):
        refuse(where, "either a value or the reason why it is absent", score.value)
    if score.low is None and score.high is None:
        return
    if score.low is None or score.high is None:
        refuse(f"{where}.low", "both ends of an interval or none", score.low)
    if not score.low <= score.high:
        refuse(f"{where}.low", f"at most {score.high}", score.low)
    if score.value is not None and not score.low <= score.value <= score.high:
        refuse(f"{where}.value", f"a value within its interval, {score.low} to {score.high}", score.value)


def _check_slice(where: str, part: Slice, n: int) -> None:
    _check_value(where, part)
    if not 1 <= part.groups <= part.n <= n:
        refuse(where, f"1 to {n} images, in as many groups at most", (part.n, part.groups))


def _check_means(where: str, means: tuple[float | None, ...], groups: int) -> None:
    if len(means) != groups:
        refuse(where, f"a mean, or null, for each of the {groups} groups", len(means))


def _check_groups(record: Record) -> None:
    """The group means are what ranks and differences are computed from; the value that is printed is their mean."""
    score = record.scores.get(PRIMARY)
    if not record.groups or score is None or score.value is None:
        return
    if len(record.groups) != record.split.groups:
        refuse("groups", f"the mean CIEDE2000 of each of the {record.split.groups} groups", len(record.groups))
    mean = fmean(record.groups.values())
    if abs(mean - score.value) > ROUNDING:
        refuse("groups", f"means whose mean is the value, {score.value:.6f}", round(mean, 6))


def _check_score(where: str, score: Score) -> None:
    _check_value(where, score)
    if score.infinite + score.missing > score.n:
        refuse(f"{where}.infinite", f"with those missing at most n = {score.n}", score.infinite + score.missing)
    if score.decimals > 9:
        refuse(f"{where}.decimals", "at most 9", score.decimals)
    if not score.signature:
        refuse(f"{where}.signature", "how the number was made", score.signature)
