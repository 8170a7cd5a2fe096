"""Several entries on the same images, and several trainings of one entry: differences, ranks, and what seeds add.

Two entries scored on one split share its hard and its easy series. Everything here is therefore paired: images that
one entry has no finite value for are left out for all, and one resample of groups serves all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from bench.statistics import LEVEL, RESAMPLES, GroupTable, group_table, resample

_BLOCK = 1_000_000  # differences held in memory at once


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
        error: standard error of the value; None where there is no interval.
        freedom: degrees of freedom of that error.
    """

    value: float
    low: float | None
    high: float | None
    seeds: int
    groups: int
    seed_deviation: float | None
    error: float | None = None
    freedom: float | None = None

    @property
    def p(self) -> float | None:
        """Two-sided p-value of a mean of 0, by Student's t; None where there is no interval."""
        from scipy.special import stdtr

        if self.error is None or self.freedom is None:
            return None
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.value) / self.error))


def rank_intervals(
    entries: Mapping[str, Float64[np.ndarray, " n"] | Float64[np.ndarray, "n seeds"]],
    groups: Sequence[str],
    *,
    direction: Literal["lower", "higher"],
    seeds: Mapping[str, Sequence[int]] | None = None,
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

    Where one of a pair has several trainings, its standard error is for other seeds too (`apart_over_seeds`). The
    quantile then is read as one of the normal curve, 1.96 or more, and taken to Student's t: the seeds' share of the
    error with as many degrees as there are other seeds, the rest with those of the groups.

    Args:
        entries: by entry one value an image, the same images in the same order; of several trainings one column each.
        groups: the group of each image.
        direction: whether `lower` or `higher` values are better.
        seeds: the seed of each column of the entries that have several; 0, 1 and so on where not given.
        frames: on clips, the place of each image in its clip.
        level: how often an entry's true rank lies within, all ranks that a tie leaves it included.

    Source:
        Mogstad, Romano, Shaikh and Wilhelm, Inference for ranks, Review of Economic Studies 91(1), 2024
        (marginal confidence sets); Cochran, Approximate significance levels of the Behrens-Fisher test, Biometrics
        20(1), 1964 (errors of two parts).

    Raises:
        ValueError: where the lengths differ, or no image has a finite value under every entry.
    """
    tables = _by_entry(entries, groups, frames)
    means = np.stack([table.mean(axis=1) for table in tables], axis=1) * (1 if direction == "lower" else -1)
    center, (count, size) = means.mean(axis=0), means.shape
    drawn = resample(means, resamples=resamples, seed=seed)
    leads = np.isclose(drawn, drawn.min(axis=1, keepdims=True), rtol=1e-12, atol=0).mean(axis=0)
    apart = center - center[:, None]  # of the entry in the column from that in the row
    sure = np.zeros((size, size), bool)
    if count > 1:
        error = _errors(means)
        chance = _chance((drawn - center).T, error, level)
        named = [tuple((seeds or {}).get(entry, range(table.shape[1])))
                 for entry, table in zip(entries, tables, strict=True)]  # fmt: skip
        sure = np.abs(apart) > _reach(tables, named, error, chance, level)
    values = center if direction == "lower" else -center
    rank = 1 + (apart < 0).sum(axis=1)
    best = 1 + (sure & (apart < 0)).sum(axis=1)
    worst = size - (sure & (apart > 0)).sum(axis=1)
    found = zip(values.tolist(), rank.tolist(), best.tolist(), worst.tolist(), leads.tolist(), strict=True)
    return {entry: Rank(*facts) for entry, facts in zip(entries, found, strict=True)}


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
    return over_seeds_together(table[None], level=level)[0]


def over_seeds_together(
    tables: Float64[np.ndarray, "entries groups seeds"], *, level: float = LEVEL
) -> list[SeedSummary]:
    """`over_seeds` of several entries at once.

    Args:
        tables: finite group means of each entry under each of its seeds; all have as many groups and seeds.
    """
    _, count, seeds = tables.shape
    value = tables.mean(axis=(1, 2))
    if seeds < 2 or count < 2:
        of_seed = tables.mean(axis=1)
        known = of_seed.std(axis=1, ddof=1).tolist() if seeds > 1 else [None] * len(tables)
        return [
            SeedSummary(mean, None, None, seeds, count, one) for mean, one in zip(value.tolist(), known, strict=True)
        ]
    error, freedom, deviation, _ = _crossed(tables)
    reach = _quantile(freedom, level) * error
    facts = (value, value - reach, value + reach, deviation, error, freedom)
    found = zip(*(fact.tolist() for fact in facts), strict=True)
    return [SeedSummary(mean, low, high, seeds, count, *others) for mean, low, high, *others in found]


def reach_over_seeds(
    values: Float64[np.ndarray, "m seeds"], reaches: Float64[np.ndarray, "m seeds"], *, level: float = LEVEL
) -> Float64[np.ndarray, " m"]:
    """Half the interval of a mean over trainings, for other groups and other seeds, from each training's own interval.

    For where group means, which `over_seeds` needs, are not known. The trainings share their test images; the standard
    deviation of a mean is at most the mean of standard deviations, however alike they move: so the mean half of their
    intervals stands for other groups. Student's t of their values stands for other seeds, and the root of the sum of
    squares joins the two. What seed and group add together counts in both: the interval is rather too wide. Simulated
    95 % intervals of means over 4 to 40 groups cover 95 to 99.8 times in 100 with two to five seeds, however much these
    add, and are up to 1.5 times as wide as those of `over_seeds` (2.5 times with two seeds, where those cover too
    seldom); of skewed group means as often as one training's own interval does, see `bench.statistics.interval`.

    Args:
        values: of m metrics under each seed, at least two.
        reaches: half the interval of each, of the same level, before it was clipped.

    Source:
        Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27(10), 2008
        (limits joined by their squares).
    """
    seeds = values.shape[1]
    own = _quantile(np.array(seeds - 1), level) * values.std(axis=1, ddof=1) / np.sqrt(seeds)
    return np.hypot(reaches.mean(axis=1), own)


def apart_over_seeds(
    first: Float64[np.ndarray, "groups k"],
    second: Float64[np.ndarray, "groups m"],
    seeds: tuple[Sequence[int], Sequence[int]],
    *,
    level: float = LEVEL,
) -> SeedSummary:
    """`first` minus `second` on the same groups: for other groups and, where one was trained several times, for other
    trainings.

    Trained once each, it is the paired t-test on group means. Trained with the same seeds, it is `over_seeds` of the
    differences. Else no difference of single trainings can be formed: the variance is that of the differences of the
    means over groups, plus, for each of the two, that of the mean over its own seeds. One that was trained once is
    taken to vary as much as the other. This counts what seed and group add together twice, and so is rather too wide
    than too narrow. Degrees of freedom by Satterthwaite's rule.

    Args:
        first, second: finite group means under each of their seeds.
        seeds: of the columns of each; none for what is not trained, one column that is the same beside every seed.
    """
    own, theirs = (tuple(one) for one in seeds)
    if not own:
        first, own = np.repeat(first, second.shape[1], axis=1), theirs
    elif not theirs:
        second, theirs = np.repeat(second, first.shape[1], axis=1), own
    if len(own) > 1 and own == theirs:
        return over_seeds_together((first - second)[None], level=level)[0]
    means = np.stack([first.mean(axis=1), second.mean(axis=1)], axis=1)
    value, (count, most) = float(means[:, 0].mean() - means[:, 1].mean()), (len(means), max(1, len(own), len(theirs)))
    if count < 2:
        return SeedSummary(value, None, None, most, count, None)
    errors = _errors(means)
    if most == 1:
        error, freedom = float(errors[0, 1]), count - 1.0
    else:
        found = _errors_over_seeds([first, second], [own, theirs], errors)
        error, freedom = (float(one[0, 1]) for one in found[:2])
    reach = float(_quantile(np.array(freedom), level)) * error
    return SeedSummary(value, value - reach, value + reach, most, count, None, error, freedom)


def images_apart(
    first: Float64[np.ndarray, "n k"],
    second: Float64[np.ndarray, "n m"],
    groups: Sequence[str],
    seeds: tuple[Sequence[int], Sequence[int]],
    *,
    frames: Sequence[int] | None = None,
) -> SeedSummary:
    """`apart_over_seeds` of values an image; images without a finite value in any column are left out of all.

    Args:
        first, second: one value an image under each of their seeds, the same images in the same order.
        groups: the group of each image.
        seeds: as for `apart_over_seeds`.
        frames: on clips, the place of each image in its clip.

    Raises:
        ValueError: lengths that differ, or no image with a finite value in every column.
    """
    own, theirs = _by_entry({"first": first, "second": second}, groups, frames)
    return apart_over_seeds(own, theirs, seeds)


def _quantile(freedom: np.ndarray, level: float) -> np.ndarray:
    from scipy.special import stdtrit

    return -stdtrit(freedom, (1 - level) / 2)


def _crossed(tables: Float64[np.ndarray, "entries groups seeds"]) -> tuple[np.ndarray, ...]:
    """Of each entry's mean: standard error, its degrees of freedom, what another training moves it by, seeds' share.

    The last is the share of the squared error that is known to no more degrees than there are other seeds.
    """
    _, count, seeds = tables.shape
    value, of_group, of_seed = tables.mean(axis=(1, 2)), tables.mean(axis=2), tables.mean(axis=1)
    freedom = (count - 1) * (seeds - 1)
    rest = tables - of_group[:, :, None] - of_seed[:, None, :] + value[:, None, None]
    rest = (rest**2).sum(axis=(1, 2)) / freedom
    by_seed, by_group = count * of_seed.var(axis=1, ddof=1), seeds * of_group.var(axis=1, ddof=1)
    # Kept mean squares less the rest once each, plus the rest itself: two kept parts leave minus one rest.
    seed_kept, group_kept = by_seed > rest, by_group > rest
    weight = 1 - seed_kept.astype(int) - group_kept
    scale = (seed_kept * by_seed + group_kept * by_group + weight * rest).clip(0)
    spread = seed_kept * by_seed**2 / (seeds - 1) + group_kept * by_group**2 / (count - 1)
    spread += (weight * rest) ** 2 / freedom
    degrees = np.divide(scale**2, spread, out=np.full(len(tables), float(freedom)), where=scale > 0)
    share = np.divide(seed_kept * by_seed, scale, out=np.zeros(len(tables)), where=scale > 0).clip(0, 1)
    return np.sqrt(scale / (count * seeds)), degrees, np.sqrt((by_seed - rest).clip(0) / count), share


def _by_entry(
    entries: Mapping[str, np.ndarray], groups: Sequence[str], frames: Sequence[int] | None
) -> list[Float64[np.ndarray, "groups seeds"]]:
    """Group means of each entry under each of its seeds."""
    parts = [values.reshape(len(values), -1) for values in map(np.asarray, entries.values())]
    columns = [column for part in parts for column in part.T]
    means = _shared({f"{place}": column for place, column in enumerate(columns)}, groups, frames).means
    return np.split(means, np.cumsum([part.shape[1] for part in parts])[:-1], axis=1)


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


def _errors(means: Float64[np.ndarray, "g m"]) -> Float64[np.ndarray, "m m"]:
    """The standard error of each pair's difference."""
    count, size = means.shape
    found = np.empty((size, size))
    rows = max(1, _BLOCK // means.size)
    for start in range(0, size, rows):
        apart = means.T[None] - means.T[start : start + rows, None]
        found[start : start + rows] = apart.std(axis=2, ddof=1)
    return found / np.sqrt(count)


def _errors_over_seeds(
    tables: Sequence[Float64[np.ndarray, "groups _"]], seeds: Sequence[tuple[int, ...]], error: np.ndarray
) -> tuple[Float64[np.ndarray, "m m"], Float64[np.ndarray, "m m"], Float64[np.ndarray, "m m"]]:
    """The standard error of each pair's difference, its degrees of freedom, and the share that the seeds have in it.

    Args:
        tables: group means of each entry under each of its seeds.
        error: what groups alone say; it stays where both of a pair have one seed.
    """
    count, trained = len(tables[0]), np.array([len(one) for one in seeds])
    several = trained > 1
    of_one = np.array([table.mean(axis=0).var(ddof=1) if len(one) > 1 else 0.0
                       for table, one in zip(tables, seeds, strict=True)])  # fmt: skip
    # What the entry in the row adds to its pair with that in the column, for both where the other has one seed.
    share = of_one[:, None] * (1 / trained[:, None] + ~several[None])
    free = np.maximum(trained - 1, 1)[:, None]
    variance = error**2 + share + share.T
    spread = error**4 / (count - 1) + share**2 / free + (share**2 / free).T
    freedom = np.divide(variance**2, spread, out=np.full_like(error, count - 1), where=spread > 0)
    told = np.sqrt(variance)
    whose = np.divide(share + share.T, variance, out=np.zeros_like(error), where=variance > 0)
    for same in {one for one in seeds if len(one) > 1}:
        members = np.array([place for place, one in enumerate(seeds) if one == same])
        stacked = np.stack([tables[place] for place in members])
        for number, place in enumerate(members[:-1]):
            others = members[number + 1 :]
            one, degrees, _, part = _crossed(stacked[number + 1 :] - stacked[number])
            told[place, others] = told[others, place] = one
            freedom[place, others] = freedom[others, place] = degrees
            whose[place, others] = whose[others, place] = part
    alone = ~several[:, None] & ~several[None]
    return np.where(alone, error, told), np.where(alone, count - 1, freedom), whose


def _reach(
    tables: Sequence[np.ndarray], seeds: Sequence[tuple[int, ...]], error: np.ndarray, chance: np.ndarray, level: float
) -> Float64[np.ndarray, "m m"]:
    """How large each difference, of the entry in the column from that in the row, must be to be sure."""
    from scipy.special import ndtr, ndtri, stdtrit

    count, usual = len(tables[0]), ndtri((1 + level) / 2)
    wider = np.sqrt(count / (count - 1))
    found = error * (chance * (wider * stdtrit(count - 1, (1 + level) / 2) / usual))[:, None]
    trained = np.array([len(one) for one in seeds])
    several = trained > 1
    if several.any():
        told, _, share = _errors_over_seeds(tables, seeds, error)
        # So far out, Satterthwaite's degrees are too many: each part of the error keeps its own quantile (Cochran).
        tail = ndtr(-np.maximum(chance * wider, usual))[:, None]
        most = np.iinfo(int).max
        fewest = np.minimum(*np.meshgrid(*[np.where(several, trained - 1, most)] * 2)).clip(max=count - 1)
        squares = share * stdtrit(fewest, tail) ** 2 + (1 - share) * stdtrit(count - 1, tail) ** 2
        found = np.where(several[:, None] | several[None], told * np.sqrt(squares), found)
    return found


def _chance(
    moved: Float64[np.ndarray, "m resamples"], error: Float64[np.ndarray, "m m"], level: float
) -> Float64[np.ndarray, " m"]:
    """For each entry the quantile of its largest difference in standard errors that resampling alone makes.

    Args:
        moved: by how much each resample moves each entry's mean.
        error: of each pair's difference.
    """
    size, resamples = moved.shape
    inverse = np.divide(1, error, out=np.zeros_like(error), where=error > 0)[:, :, None]
    largest = np.zeros((size, resamples))
    width = max(64, 32_768 // size)  # so that a block of resamples stays in the cache over all pairs
    for start in range(0, resamples, width):
        block, most = np.ascontiguousarray(moved[:, start : start + width]), largest[:, start : start + width]
        for place in range(size - 1):
            apart = block[place + 1 :] - block[place]
            np.abs(apart, out=apart)
            apart *= inverse[place, place + 1 :]
            np.maximum(most[place], apart.max(axis=0), out=most[place])
            np.maximum(most[place + 1 :], apart, out=most[place + 1 :])
    return np.quantile(largest, level, axis=1)
