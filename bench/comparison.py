"""Several entries on the same images, and several trainings of one entry: differences, ranks, and what seeds add.

Two entries scored on one split share its hard and its easy series. Everything here is therefore paired: images that
one entry has no finite value for are left out for all, and one resample of groups serves all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from bench.statistics import LEVEL, METHOD, RESAMPLES, GroupTable, Method, Summary, group_table, resample, summarize_all


@dataclass(frozen=True)
class Rank:
    """Where one entry stands among those it was compared with.

    Attributes:
        value: its mean over groups of group means.
        rank: of the value, 1 being best; equal values share a rank.
        best: the best rank that the data leave open, at the level asked for.
        worst: the worst one.
        first: the share of resamples in which no entry is better.
    """

    value: float
    rank: int
    best: int
    worst: int
    first: float


@dataclass(frozen=True)
class SeedSummary:
    """One metric of one entry over several trainings.

    Attributes:
        value: mean over seeds and groups.
        low: lower end of the interval for another training on other groups; None with fewer than two groups or seeds.
        high: upper end.
        seeds: trainings.
        groups: groups with a finite value under every seed.
        seed_deviation: standard deviation that another training brings to the mean over groups, 0 where the seeds
            differ by no more than chance; None with one seed.
    """

    value: float
    low: float | None
    high: float | None
    seeds: int
    groups: int
    seed_deviation: float | None


def difference(
    first: Float64[np.ndarray, " n"],
    second: Float64[np.ndarray, " n"],
    groups: Sequence[str],
    *,
    frames: Sequence[int] | None = None,
    method: Method = METHOD,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Summary:
    """`first` minus `second` on the same images, with the paired interval.

    An image that only one of the two scores infinite is counted as infinite, one that both do as missing.

    Args:
        first: one value an image, of one entry.
        second: the same images in the same order, of the other.
        groups: the group of each image.
        frames: on clips, the place of each image in its clip.
        method: of the interval; see `bench.statistics.interval`.

    Raises:
        ValueError: where the lengths differ.
    """
    if len(first) != len(second):
        raise ValueError(f"a paired difference needs the same images twice, got {len(first)} and {len(second)} values")
    with np.errstate(invalid="ignore"):
        apart = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return summarize_all({"": apart}, groups, frames=frames, method=method, resamples=resamples, seed=seed)[""]


def rank_intervals(
    entries: Mapping[str, Float64[np.ndarray, " n"]],
    groups: Sequence[str],
    *,
    direction: Literal["lower", "higher"],
    frames: Sequence[int] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Rank]:
    """The ranks that the data leave open for each entry: after those surely better, before those surely worse.

    An entry is surely better or worse than this one where their paired difference, in standard errors, exceeds what the
    largest of all this entry's differences reaches by chance. Chance is the joint bootstrap's 95 % quantile of that
    maximum, widened as for few groups (Student's t over the normal). Ranks of resamples would be narrower, but with
    near ties they cover too seldom.

    Args:
        entries: by entry one value an image, the same images in the same order.
        groups: the group of each image.
        direction: whether `lower` or `higher` values are better.
        frames: on clips, the place of each image in its clip.
        level: how often an entry's true rank lies within, all ranks that a tie leaves it included.

    Source:
        Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks, Review of Economic Studies 91(1), 2024
        (marginal confidence sets).

    Raises:
        ValueError: where the lengths differ, or no image has a finite value under every entry.
    """
    table = _shared(entries, groups, frames)
    means = table.means if direction == "lower" else -table.means
    center, count = means.mean(axis=0), len(means)
    drawn = resample(means, resamples=resamples, seed=seed)
    leads = np.isclose(drawn, drawn.min(axis=1, keepdims=True), rtol=1e-12, atol=0).mean(axis=0)
    ranks = {}
    for place, entry in enumerate(table.columns):
        apart = np.delete(center - center[place], place)
        better, worse = apart < 0, apart > 0
        if count < 2:
            sure = np.zeros(len(apart), bool)
        else:
            error = np.delete((means - means[:, [place]]).std(axis=0, ddof=1), place) / np.sqrt(count)
            moved = np.abs(np.delete(drawn - drawn[:, [place]], place, axis=1) - apart)
            sure = np.abs(apart) > error * _chance(moved, error, count, level)
        value = float(center[place] if direction == "lower" else -center[place])
        ranks[entry] = Rank(
            value=value,
            rank=1 + int(better.sum()),
            best=1 + int((sure & better).sum()),
            worst=len(center) - int((sure & worse).sum()),
            first=float(leads[place]),
        )
    return ranks


def over_seeds(
    trainings: Sequence[Float64[np.ndarray, " n"]],
    groups: Sequence[str],
    *,
    frames: Sequence[int] | None = None,
    level: float = LEVEL,
) -> SeedSummary:
    """One entry's mean over its trainings, with an interval that holds both for other groups and for other seeds.

    Seeds and groups are crossed: a group mean is the mean + what the seed adds + what the group adds + the rest. The
    mean over K seeds and G groups then has the variance s/K + g/G + r/(KG) of the three parts, which the mean squares
    of the two-way table estimate; parts estimated below 0 count as 0. The interval is Student's t with Satterthwaite's
    degrees of freedom. With one seed nothing is known of the others, and there is no interval. Simulated 95 % intervals
    cover 94 to 95 times in 100 with three seeds or more (10 to 40 groups), 88 with two: two may agree by accident.

    Args:
        trainings: one array of values an image for each seed, the same images in the same order.
        groups: the group of each image.
        frames: on clips, the place of each image in its clip.

    Source:
        Searle, Casella and McCulloch, Variance Components, 1992 (two-way crossed, random);
        Satterthwaite, An approximate distribution of estimates of variance components, Biometrics 2(6), 1946.

    Raises:
        ValueError: no training, lengths that differ, or no image with a finite value under every seed.
    """
    table = _shared({f"{place}": values for place, values in enumerate(trainings)}, groups, frames).means
    count, seeds = table.shape
    value = float(table.mean())
    if seeds < 2 or count < 2:
        known = float(table.mean(axis=0).std(ddof=1)) if seeds > 1 else None
        return SeedSummary(value, None, None, seeds, count, known)
    of_group, of_seed = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = ((table - of_group - of_seed + value) ** 2).sum() / ((count - 1) * (seeds - 1))
    by_seed, by_group = count * of_seed.var(ddof=1), seeds * of_group.var(ddof=1)
    parts = [(by_seed, seeds - 1, by_seed > rest), (by_group, count - 1, by_group > rest)]
    # Kept mean squares less the rest once each, plus the rest itself: two kept parts leave minus one rest.
    kept = [(square, freedom) for square, freedom, counts in parts if counts]
    weight = 1 - len(kept)
    scale = sum(square for square, _ in kept) + weight * rest
    spread = sum(square**2 / freedom for square, freedom in kept)
    spread += (weight * rest) ** 2 / ((count - 1) * (seeds - 1))
    reach = 0.0
    if scale > 0:
        from scipy.special import stdtrit

        reach = float(-stdtrit(scale**2 / spread, (1 - level) / 2) * np.sqrt(scale / (count * seeds)))
    deviation = float(np.sqrt(max(by_seed - rest, 0.0) / count))
    return SeedSummary(value, value - reach, value + reach, seeds, count, deviation)


def _shared(entries: Mapping[str, np.ndarray], groups: Sequence[str], frames: Sequence[int] | None) -> GroupTable:
    """Group means over the images that every entry has a finite value for."""
    if not entries or len({len(values) for values in entries.values()} | {len(groups)}) > 1:
        lengths = [len(values) for values in entries.values()]
        raise ValueError(f"entries are compared on the same images: got {lengths} values and {len(groups)} groups")
    finite = np.all([np.isfinite(values) for values in entries.values()], axis=0)
    table = group_table({name: np.where(finite, values, np.nan) for name, values in entries.items()}, groups,
                        frames=frames)  # fmt: skip
    known = np.isfinite(table.means).all(axis=1)
    if not known.any():
        raise ValueError("no image has a finite value under every entry")
    return GroupTable(tuple(np.asarray(table.groups)[known].tolist()), table.columns, table.means[known])


def _chance(moved: np.ndarray, error: np.ndarray, count: int, level: float) -> float:
    """The quantile of the largest difference in standard errors that resampling alone makes."""
    from scipy.special import ndtri, stdtrit

    varies = error > 0
    if not varies.any():
        return 0.0
    largest = (moved[:, varies] / error[varies]).max(axis=1)
    few = np.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 + level) / 2) / ndtri((1 + level) / 2)
    return float(np.quantile(largest, level) * few)
