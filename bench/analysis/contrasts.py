"""Differences of means over groups: of two rows on the same pictures, and of rows on different ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from bench.comparison import over_seeds
from bench.leaderboard import Row
from bench.statistics import LEVEL, RESAMPLES, Method, resample

ALPHA = 1 - LEVEL


@dataclass(frozen=True)
class Contrast:
    """A difference in mean CIEDE2000.

    Attributes:
        value: the difference, in ΔE00.
        low: lower end of its 95 % interval; None where there are too few groups.
        high: upper end.
        p: two-sided p-value of no difference, where it was asked for and there are groups.
        groups: the groups of the smallest of its samples: what the interval rests on.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    groups: int

    @property
    def sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def group_means(row: Row) -> dict[str, float]:
    """CIEDE2000 of each group, in alphabetical order, the mean over the row's seeds; empty where these differ."""
    names = sorted(row.records[0].groups)
    if any(sorted(record.groups) != names for record in row.records):
        return {}
    return {name: sum(record.groups[name] for record in row.records) / len(row.records) for name in names}


def relative(row: Row, reference: Row | None) -> Float64[np.ndarray, " g"] | None:
    """Each group's CIEDE2000, less that of a reference on the same pictures where one is given.

    Returns:
        Shape (g,), groups in alphabetical order; None where a record has no group means, or the two tell of others.
    """
    own = group_means(row)
    if not own:
        return None
    if reference is None:
        return np.array(list(own.values()))
    theirs = group_means(reference)
    return None if own.keys() != theirs.keys() else np.array([own[name] - theirs[name] for name in own])


def paired(first: Row, second: Row) -> Contrast | None:
    """`first` minus `second` on the same pictures, by the paired t-test on group means.

    Where both were trained with the same seeds, several of them, the interval and p-value hold for another training
    too (`over_seeds`); with unlike seeds, for other groups only.

    Returns:
        None where the records tell of other pictures or groups.
    """
    if first.records[0].split.digest != second.records[0].split.digest:
        return None
    apart = relative(first, second)
    if apart is None:
        return None
    if len(first.seeds) < 2 or first.seeds != second.seeds:
        return independent([apart], [1.0])
    names = list(group_means(first))
    trainings = [
        np.array([one.groups[name] - two.groups[name] for name in names])
        for one, two in zip(first.records, second.records, strict=True)
    ]
    found = over_seeds(trainings, names)
    p = _p_over_seeds(trainings, names) if found.low is not None else None
    return Contrast(found.value, found.low, found.high, p, found.groups)


def independent(
    samples: Sequence[Float64[np.ndarray, " _"]],
    weights: Sequence[float],
    *,
    method: Method = "t",
    resamples: int = RESAMPLES,
) -> Contrast:
    """A weighted sum of the means of samples that share no group, such as one domain minus the mean of the others.

    Args:
        samples: one array of group means each; every group is drawn independently of those of the other samples.
        weights: one a sample.
        method: `t`: Student's t with Satterthwaite's degrees of freedom, as Welch's test for two samples;
            `percentile`: quantiles of resamples that draw the groups of each sample on their own. The first covers what
            it says from few groups on, the second does not. How often 95 % intervals of one domain minus the mean of
            three others covered the truth in 4,000 simulated tables of normal group means, in percent, with standard
            deviations 1, 1, 2, 2 (own domain first):

                groups of each       4       6      10      32
                percentile        87.9    90.6    92.7    94.5
                t                 95.6    95.5    95.5    95.2

    Returns:
        The sum with its interval; without one where a sample that counts has fewer than two groups.

    Source:
        Welch, The generalization of Student's problem when several different population variances are involved,
        Biometrika 34, 1947; Satterthwaite, Biometrics Bulletin 2(6), 1946; Efron and Tibshirani, An Introduction to
        the Bootstrap, 1993, section 8.3.

    Raises:
        ValueError: where there is not one weight a sample, or another method.
    """
    if not samples or len(samples) != len(weights):
        raise ValueError(f"a contrast needs one weight a sample, got {len(samples)} samples, {len(weights)} weights")
    if method not in ("t", "percentile"):
        raise ValueError(f"method must be t or percentile; got {method!r}")
    counts = [len(sample) for sample in samples]
    value = float(sum(weight * sample.mean() for sample, weight in zip(samples, weights, strict=True)))
    if min(counts) < 2:
        return Contrast(value, None, None, None, min(counts))
    parts = np.array([w**2 * sample.var(ddof=1) / len(sample) for sample, w in zip(samples, weights, strict=True)])
    error = float(np.sqrt(parts.sum()))
    if error == 0:
        return Contrast(value, value, value, 1.0 if value == 0 else 0.0, min(counts))
    from scipy.special import stdtr, stdtrit

    freedom = float(parts.sum() ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True)))
    p = float(2 * stdtr(freedom, -abs(value) / error))
    if method == "t":
        reach = float(-stdtrit(freedom, ALPHA / 2)) * error
        return Contrast(value, value - reach, value + reach, p, min(counts))
    drawn = sum(
        weight * resample(sample[:, None], resamples=resamples, seed=place)[:, 0]
        for place, (sample, weight) in enumerate(zip(samples, weights, strict=True))
    )
    low, high = np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2])
    return Contrast(value, float(low), float(high), p, min(counts))


def holm(chances: Sequence[float]) -> list[float]:
    """P-values of several tests, adjusted so that all of them together err at most as often as one.

    Source:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2), 1979.
    """
    order = sorted(range(len(chances)), key=lambda place: (chances[place], place))
    adjusted, least = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = least
    return adjusted


def _p_over_seeds(trainings: Sequence[np.ndarray], groups: Sequence[str]) -> float:
    """One minus the level at which the interval just reaches 0, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        level = (low + high) / 2
        found = over_seeds(trainings, groups, level=level)
        inside = found.low is not None and found.high is not None and found.low <= 0 <= found.high
        low, high = (low, level) if inside else (level, high)
    return 1 - (low + high) / 2
