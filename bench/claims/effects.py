"""The effect that a claim is about, in one domain: from the records of its sides to one number and how sure it is."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.claims import estimate
from bench.claims.claim import SIGNS, Claim, Side
from bench.claims.estimate import Estimate
from bench.claims.naming import name
from bench.comparison import over_seeds_together
from bench.metrics import PRIMARY
from bench.metrics.suite import UNRANKED
from bench.records import Record

GroupValues = Callable[[Record, str], Mapping[str, float] | None]
"""Gives a record's group means of a metric, or None where they are not at hand."""


@dataclass(frozen=True)
class Cell:
    """The effect in one domain.

    Attributes:
        values: of the sides in order, means over seeds.
        paired: whether all sides were paired by group.
        seeds: that all trained sides share.
        budget: of the trainings.
        records: the file names behind it, in the order of the sides.
    """

    domain: str
    effect: Estimate
    values: tuple[float, ...]
    paired: bool
    seeds: tuple[int, ...]
    budget: str
    records: tuple[str, ...]


@dataclass
class Shelf:
    """The records of one collection at one size, by place and entry, then by seed."""

    collection: str
    size: int
    found: dict[tuple[str, str, str, str], dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))


def shelves(records: Iterable[Record]) -> list[Shelf]:
    """One a collection and size, by name."""
    made: dict[tuple[str, int], Shelf] = {}
    for record in records:
        place = (record.split.collection, record.split.size)
        shelf = made.setdefault(place, Shelf(*place))
        shelf.found[record.split.domain, record.split.name, record.track, record.entry.name][record.seed] = record
    return [made[place] for place in sorted(made)]


def records_of(side: Side, shelf: Shelf) -> dict[int, Record]:
    return shelf.found.get((side.domain or "", side.split or "", side.track, side.entry), {})


def cell_in(claim: Claim, domain: str, sides: Sequence[Side], shelf: Shelf, values: GroupValues | None) -> Cell | str:
    """The effect in one domain, or why it cannot be told."""
    found = [records_of(side, shelf) for side in sides]
    shared = sorted(set.intersection(*(set(by) for by, side in zip(found, sides, strict=True) if side.mix is not None)))
    if not shared:
        return f"{domain}: the entries share no seed"
    chosen = [
        [by[seed] if side.mix is not None else next(iter(by.values())) for by, side in zip(found, sides, strict=True)]
        for seed in shared
    ]
    unlike = _unlike(claim, chosen)
    if unlike is not None:
        return f"{domain}: {unlike}"
    effects: list[Effect] = []
    for records in chosen:
        made = _effect(claim, sides, records, values)
        if isinstance(made, str):
            return f"{domain}: {made}"
        effects.append(made)
    means = tuple(float(mean) for mean in np.mean(np.array([one.values for one in effects]), axis=0))
    paired = all(one.paired for one in effects)
    files = tuple(dict.fromkeys(record.file_name for column in zip(*chosen, strict=True) for record in column))
    budget = next(record.training.budget for record in chosen[0] if record.training is not None)
    return Cell(domain, _over_seeds(effects), means, paired, tuple(shared), budget, files)


def _over_seeds(effects: "Sequence[Effect]") -> Estimate:
    """The mean over trainings: of differences by group where all sides are paired on the same groups."""
    if len(effects) == 1:
        return effects[0].estimate
    tables = [one.groups for one in effects if one.groups is not None]
    if len(tables) == len(effects) and len({tuple(table) for table in tables}) == 1:
        table = np.array([list(one.values()) for one in tables]).T
        made = over_seeds_together(table[None])[0]
        return Estimate(made.value, None if made.error is None else made.error**2, made.freedom or math.inf)
    return estimate.over_seeds([one.estimate for one in effects])


def _unlike(claim: Claim, chosen: Sequence[Sequence[Record]]) -> str | None:
    """Why some records are not held against each other, or None."""
    records = [record for row in chosen for record in row]
    trainings = [record.training for record in records if record.training is not None]
    for fact in ("budget", "width"):
        kinds = sorted({str(getattr(training, fact)) for training in trainings})
        if len(kinds) > 1:
            return f"the entries' trainings differ in {fact}: {', '.join(kinds)}"
    scores = [score for record in records if (score := record.scores.get(claim.metric)) is not None]
    made = {(*score.signature.split("|")[:2], score.signature.split("|")[-1]) for score in scores}
    return "the numbers were made in different ways; evaluate the entries again" if len(made) > 1 else None


@dataclass(frozen=True)
class Effect:
    """What one training of each side says in one domain.

    Attributes:
        values: of the sides.
        paired: whether all sides were paired by group.
        groups: the effect in each group, sorted by name, where all sides were scored on the same pictures.
    """

    estimate: Estimate
    values: tuple[float, ...]
    paired: bool
    groups: Mapping[str, float] | None


def _effect(claim: Claim, sides: Sequence[Side], records: Sequence[Record], values: GroupValues | None) -> Effect | str:
    """The effect, or why there is none."""
    signs = SIGNS[: len(sides)]
    tables = [None if side.slice else _groups(claim.metric, record, values)
              for side, record in zip(sides, records, strict=True)]  # fmt: skip
    numbers: list[Estimate] = []
    for side, record, table in zip(sides, records, tables, strict=True):
        number = _number(claim.metric, side, record, table)
        if isinstance(number, str):
            return number
        numbers.append(number)
    parts: list[tuple[float, Estimate]] = []
    paired = True
    of_groups: dict[str, float] | None = None
    pictures: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for place, (side, record) in enumerate(zip(sides, records, strict=True)):
        pictures[record.split.digest, side.slice].append(place)
    for places in pictures.values():
        known = [table for place in places if (table := tables[place]) is not None]
        if len(places) > 1 and len(known) == len(places) and len({tuple(sorted(table)) for table in known}) == 1:
            signed = [(signs[place], table) for place, table in zip(places, known, strict=True)]
            of_groups = {group: sum(sign * table[group] for sign, table in signed) for group in sorted(known[0])}
            parts.append((1.0, estimate.of_groups(np.array([*of_groups.values()]))))
        else:
            paired = False
            parts += [(float(signs[place]), numbers[place]) for place in places]
    one_place = of_groups if paired and len(pictures) == 1 else None
    return Effect(estimate.total(parts), tuple(number.value for number in numbers), paired, one_place)


def _groups(metric: str, record: Record, values: GroupValues | None) -> Mapping[str, float] | None:
    if metric == PRIMARY and record.groups:
        return record.groups
    if metric in record.means:
        means = zip(sorted(record.groups), record.means[metric], strict=True)
        # A metric that applies to no image has no mean in any group: then its score says why.
        return {group: mean for group, mean in means if mean is not None} or None
    return None if values is None else values(record, metric)


def _number(metric: str, side: Side, record: Record, table: Mapping[str, float] | None) -> Estimate | str:
    """One side's number with its own interval, or why there is none."""
    if side.slice is not None:
        part = record.slices.get(side.slice)
        if part is None or part.value is None:
            why = "no such slice" if part is None else part.absent
            return f"{record.entry.name} has no number on the slice {side.slice}: {why}"
        return estimate.of_interval(part.value, part.low, part.high, part.groups)
    score = record.scores.get(metric)
    if score is not None and score.value is not None:
        if score.kind == "distribution":
            # Its ends are of subsamples of one set, and both sides share their targets: the domains are the witnesses.
            return Estimate(score.value)
        return estimate.of_interval(score.value, score.low, score.high, record.split.groups)
    if table is not None:
        return estimate.of_groups(np.array([table[group] for group in sorted(table)]))
    if metric in UNRANKED:
        return f"records do not hold {metric}, which has a sign and no direction; name the folder with the values an" \
            " image: bench claims --home .bench"  # fmt: skip
    why = "not in the record; evaluate again" if score is None else score.absent
    return f"{name(metric)} is absent for {record.entry.name}: {why}"
