"""From records to verdicts: pure functions, but for values an image where a folder of them is named."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.claims import estimate
from bench.claims.claim import Claim, Side
from bench.claims.commands import commands, evaluations
from bench.claims.effects import Cell, GroupValues, Shelf, cell_in, records_of, shelves
from bench.claims.estimate import Estimate
from bench.claims.naming import decimals as decimals
from bench.claims.naming import name as name
from bench.claims.naming import unit as unit
from bench.data.collections import TRAINED_ON
from bench.records import Record

Verdict = Literal["replicated", "not replicated", "inconclusive", "not tested"]
VERDICTS: tuple[Verdict, ...] = ("replicated", "not replicated", "inconclusive", "not tested")

LEAST_DOMAINS = 3
"""Domains from which on they can stand for witnesses, where numbers have no interval of their own."""

WEIGHED = {"fid": "--inception-weights download"}
"""Metrics that a record may lack for want of somebody's weights, and what to ask the evaluation for."""


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


def judge_all(claims: Sequence[Claim], records: Iterable[Record], values: GroupValues | None = None) -> list[Outcome]:
    """Every claim on every collection and size that the records tell of; claims in their order, collections by name.

    Args:
        claims: some of `bench.claims.CLAIMS`.
        records: of any collections.
        values: where group means of other metrics than CIEDE2000 come from; None for the records alone.
    """
    found = shelves(records)
    return [
        _judged(claim, shelf, values)
        for claim in claims
        for shelf in found
        if claim.slices == (shelf.collection in TRAINED_ON)
    ]


def without_records(claim: Claim, collection: str, size: int) -> Outcome:
    """A claim where there are no records of its kind of collection: not tested, with the commands that make them."""
    return _outcome(claim, Shelf(collection, size), None)


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


def _judged(claim: Claim, shelf: Shelf, values: GroupValues | None) -> Outcome:
    made = _outcome(claim, shelf, values)
    also = (_outcome(other, shelf, values) for other in claim.elsewhere)
    return replace(made, also=tuple(outcome for outcome in also if outcome.cells))


def _outcome(claim: Claim, shelf: Shelf, values: GroupValues | None) -> Outcome:
    cells: list[Cell] = []
    reasons: list[str] = []
    missing: list[Side] = []
    for domain in claim.domains:
        sides = [side.at(domain, claim.split) for side in claim.sides]
        lacking = [side for side in sides if not records_of(side, shelf)]
        if lacking:
            missing += lacking
            continue
        cell = cell_in(claim, domain, sides, shelf, values)
        if isinstance(cell, Cell):
            cells.append(cell)
        else:
            reasons.append(cell)
    if missing:
        reasons.insert(0, f"no records yet of {_list(_name(side) for side in missing)}")
    sides = [side.at(domain, claim.split) for domain in claim.domains for side in claim.sides]
    there = [record for side in sides for record in records_of(side, shelf).values()]
    budgets = {record.training.budget for record in there if record.training is not None}
    budget = budgets.pop() if len(budgets) == 1 else ""
    todo = commands(missing, shelf.collection, shelf.size, budget)
    if not missing and reasons and claim.metric in WEIGHED:
        more = f"--budget {budget} {WEIGHED[claim.metric]}" if budget else WEIGHED[claim.metric]
        todo = evaluations(sides, shelf.collection, shelf.size, more)
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


def _name(side: Side) -> str:
    return f"{side.entry} ({side.track}) on {side.domain} {side.split}"


def _list(names: Iterable[str], most: int = 2) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")
