"""From records to verdicts: pure functions, but for values an image where a folder of them is named."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from bench.claims import estimate
from bench.claims.claim import SIGNS, Claim, Side
from bench.claims.commands import commands, evaluations
from bench.claims.estimate import Estimate
from bench.comparison import over_seeds_together
from bench.data.collections import TRAINED_ON
from bench.metrics import METRICS, PRIMARY
from bench.metrics.suite import UNRANKED
from bench.records import Record

Verdict = Literal["replicated", "not replicated", "inconclusive", "not tested"]
VERDICTS: tuple[Verdict, ...] = ("replicated", "not replicated", "inconclusive", "not tested")

GroupValues = Callable[[Record, str], Mapping[str, float] | None]
"""Gives a record's group means of a metric, or None where they are not at hand."""

LEAST_DOMAINS = 3
"""Domains from which on they can stand for witnesses, where numbers have no interval of their own."""

WEIGHED = {"fid": "--inception-weights download"}
"""Metrics that a record may lack for want of somebody's weights, and what to ask the evaluation for."""


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


@dataclass(frozen=True)
class Outcome:
    """What the records of one collection at one size say of a claim.

    Attributes:
        effect, low, high: the pooled effect and its 95 % interval, in the metric's unit.
        p: two-sided p-value of no effect, where every domain is paired.
        margin: half the width of what counts as no difference, in the metric's unit.
        cells: the domains it was tested in.
        reasons: why the other domains, or all, could not be tested.
        commands: what would make the missing records.
        lacks_records: whether an entry of it was not evaluated at all somewhere.
        pooling: `intervals`, or `domains` where the numbers have no intervals of their own.
        also: the same test on the other split and in the other domains, where there is something to tell.
    """

    claim: Claim
    collection: str
    size: int
    verdict: Verdict
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    margin: float | None = None
    cells: tuple[Cell, ...] = ()
    reasons: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    lacks_records: bool = False
    pooling: Literal["intervals", "domains"] = "intervals"
    also: "tuple[Outcome, ...]" = ()

    @property
    def where(self) -> str:
        """`open-v1 64 px, series: cartoon, anime`"""
        splits = dict.fromkeys(side.split or self.claim.split for side in self.claim.sides)
        domains = [cell.domain for cell in _witnesses(self.cells)] or list(self.claim.domains)
        return f"{self.collection} {self.size} px, {' and '.join(splits) or self.claim.split}: {', '.join(domains)}"

    @property
    def opposed(self) -> tuple[str, ...]:
        """Domains whose own interval excludes 0 on the other side of the claim."""
        found = []
        for cell in self.cells:
            low, high = cell.effect.interval or (-math.inf, math.inf)
            if (self.claim.says == "lower" and low > 0) or (self.claim.says == "higher" and high < 0):
                found.append(cell.domain)
        return tuple(found)

    @property
    def text(self) -> str:
        """The effect with its interval and unit, a dash where there is none."""
        if self.effect is None:
            return "–"
        digits = decimals(self.claim.metric)
        around = ""
        if self.low is not None and self.high is not None:
            around = f" [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"
        return f"{self.effect:+.{digits}f}{around} {unit(self.claim.metric)}".rstrip()


@dataclass
class _Shelf:
    """The records of one collection at one size, by place and entry, then by seed."""

    collection: str
    size: int
    found: dict[tuple[str, str, str, str], dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))


def judge_all(claims: Sequence[Claim], records: Iterable[Record], values: GroupValues | None = None) -> list[Outcome]:
    """Every claim on every collection and size that the records tell of; claims in their order, collections by name.

    Args:
        claims: some of `bench.claims.CLAIMS`.
        records: of any collections.
        values: where group means of other metrics than CIEDE2000 come from; None for the records alone.
    """
    shelves = _shelves(records)
    return [
        _judged(claim, shelf, values)
        for claim in claims
        for shelf in shelves
        if claim.slices == (shelf.collection in TRAINED_ON)
    ]


def without_records(claim: Claim, collection: str, size: int) -> Outcome:
    """A claim where there are no records of its kind of collection: not tested, with the commands that make them."""
    return _outcome(claim, _Shelf(collection, size), None)


def verdict(claim: Claim, low: float | None, high: float | None, margin: float, least: float = 0.0) -> Verdict:
    """The rule: where the interval of the effect lies, seen from the claim.

    Args:
        low, high: the 95 % interval; None where there is none.
        margin: what counts as no difference, 0 or more, in the metric's unit.
        least: what the effect must surely exceed, 0 or more, in the metric's unit.
    """
    if low is None or high is None:
        return "inconclusive"
    within = -margin <= low and high <= margin
    if claim.says == "same":
        return "replicated" if within else "not replicated" if low > margin or high < -margin else "inconclusive"
    ahead, behind = (high < -least, low > 0) if claim.says == "lower" else (low > least, high < 0)
    return "not replicated" if within or behind else "replicated" if ahead else "inconclusive"


def unit(metric: str) -> str:
    """The unit of a metric, empty for shares and indices that have none."""
    return METRICS[metric].unit if metric in METRICS else {"colourfulness-shift": "levels"}.get(metric, "")


def decimals(metric: str) -> int:
    """Digits after the point, as on the boards."""
    return METRICS[metric].decimals if metric in METRICS else 2


def name(metric: str) -> str:
    """What a metric is called."""
    return METRICS[metric].name if metric in METRICS else metric.replace("-", " ").capitalize()


def _shelves(records: Iterable[Record]) -> list[_Shelf]:
    """One a collection and size, by name."""
    made: dict[tuple[str, int], _Shelf] = {}
    for record in records:
        place = (record.split.collection, record.split.size)
        shelf = made.setdefault(place, _Shelf(*place))
        shelf.found[record.split.domain, record.split.name, record.track, record.entry.name][record.seed] = record
    return [made[place] for place in sorted(made)]


def _judged(claim: Claim, shelf: _Shelf, values: GroupValues | None) -> Outcome:
    made = _outcome(claim, shelf, values)
    also = (_outcome(other, shelf, values) for other in claim.elsewhere)
    return replace(made, also=tuple(outcome for outcome in also if outcome.cells))


def _outcome(claim: Claim, shelf: _Shelf, values: GroupValues | None) -> Outcome:
    if claim.untested is not None:
        return Outcome(claim, shelf.collection, shelf.size, "not tested", reasons=(claim.untested,))
    cells: list[Cell] = []
    reasons: list[str] = []
    missing: list[Side] = []
    for domain in claim.domains:
        sides = [side.at(domain, claim.split) for side in claim.sides]
        lacking = [side for side in sides if not _records(side, shelf)]
        if lacking:
            missing += lacking
            continue
        cell = _cell(claim, domain, sides, shelf, values)
        if isinstance(cell, Cell):
            cells.append(cell)
        else:
            reasons.append(cell)
    if missing:
        reasons.insert(0, f"no records yet of {_list(_name(side) for side in missing)}")
    todo = commands(missing, shelf.collection, shelf.size)
    if not missing and reasons and claim.metric in WEIGHED:
        sides = [side.at(domain, claim.split) for domain in claim.domains for side in claim.sides]
        todo = evaluations(sides, shelf.collection, shelf.size, WEIGHED[claim.metric])
    reasons = list(dict.fromkeys(reasons))
    if not cells:
        return Outcome(claim, shelf.collection, shelf.size, "not tested", reasons=tuple(reasons), commands=todo,
                       lacks_records=bool(missing))  # fmt: skip
    witnesses = _witnesses(cells)
    reasons += [f"{cell.domain}: one group only, so no interval; left out of the pooled effect"
                for cell in cells if cell not in witnesses]  # fmt: skip
    pooled, pooling = _pooled(witnesses)
    second = abs(sum(cell.values[1] for cell in witnesses) / len(witnesses))
    margin = claim.margin * second
    low, high = pooled.interval or (None, None)
    if low is None:
        reasons.append(f"no interval: numbers without one need {LEAST_DOMAINS} domains or more")
    return Outcome(
        claim,
        shelf.collection,
        shelf.size,
        verdict(claim, low, high, margin, claim.least * second),
        effect=pooled.value,
        low=low,
        high=high,
        p=pooled.p if all(cell.paired for cell in witnesses) else None,
        margin=margin,
        cells=tuple(cells),
        reasons=tuple(reasons),
        commands=todo,
        lacks_records=bool(missing),
        pooling=pooling,
    )


def _witnesses(cells: Sequence[Cell]) -> list[Cell]:
    """The domains that enter the pooled effect: those with an interval, or all where none has one."""
    return [cell for cell in cells if cell.effect.variance is not None] or list(cells)


def _pooled(cells: Sequence[Cell]) -> tuple[Estimate, Literal["intervals", "domains"]]:
    if all(cell.effect.variance is not None for cell in cells):
        return estimate.total((1 / len(cells), cell.effect) for cell in cells), "intervals"
    effects = np.array([cell.effect.value for cell in cells])
    if len(cells) >= LEAST_DOMAINS:
        return estimate.of_groups(effects), "domains"
    return Estimate(float(effects.mean())), "domains"


def _records(side: Side, shelf: _Shelf) -> dict[int, Record]:
    return shelf.found.get((side.domain or "", side.split or "", side.track, side.entry), {})


def _cell(claim: Claim, domain: str, sides: Sequence[Side], shelf: _Shelf, values: GroupValues | None) -> Cell | str:
    """The effect in one domain, or why it cannot be told."""
    found = [_records(side, shelf) for side in sides]
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
        return estimate.of_interval(score.value, score.low, score.high, record.split.groups)
    if table is not None:
        return estimate.of_groups(np.array([table[group] for group in sorted(table)]))
    if metric in UNRANKED:
        return f"records do not hold {metric}, which has a sign and no direction; name the folder with the values an" \
            " image: bench claims --home .bench"  # fmt: skip
    why = "not in the record; evaluate again" if score is None else score.absent
    return f"{name(metric)} is absent for {record.entry.name}: {why}"


def _name(side: Side) -> str:
    return f"{side.entry} ({side.track}) on {side.domain} {side.split}"


def _list(names: Iterable[str], most: int = 2) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")
