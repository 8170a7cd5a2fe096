"""From a value an image to a value a domain, with its interval. Pure numpy; direction and unit do not matter here.

What is measured once on many images becomes a table of group means (`group_table`); every interval draws whole groups
with replacement, because images of one series are no independent witnesses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float64, Int

RESAMPLES = 10_000
LEVEL = 0.95
FEW_GROUPS = 10
"""Below this many groups the percentile bootstrap is clearly too narrow (a simulation in the tests: 4 groups cover the
truth about 80 times in 100, 10 about 90, 40 about 94), and a board says so."""

Method = Literal["percentile", "expanded", "bca", "studentized", "t"]
"""How an interval is made; see `interval`."""

LEAST_STUDENTIZED = 4
"""Of fewer groups too many resamples hold one group only and have no spread of their own."""

METHOD: Method = "t"
"""Of every interval in a record: it covers what it says from 4 groups on. The studentized bootstrap minds skew better,
but where one group differs from many that agree, resamples without that one reach to the ends of the scale."""

_BLOCK = 4_000_000  # draws held in memory at once


@dataclass(frozen=True)
class Summary:
    """What one metric says of one split.

    Attributes:
        value: mean over groups of group means; None if no value is finite.
        low: lower end of the 95 % interval; None with fewer than two groups.
        high: upper end.
        n: values given, finite or not.
        groups: groups with a finite value: what the interval rests on.
        infinite: values counted apart (PSNR of an image identical to its target) and left out of the mean.
        missing: NaN values, of images that the metric does not apply to (a clip's first frame), left out too.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int
    infinite: int
    missing: int = 0


@dataclass(frozen=True)
class GroupTable:
    """Group means of several metrics, or of several entries, of the same images.

    Attributes:
        groups: in alphabetical order, g of them.
        columns: the names of the metrics or entries, m of them.
        means: shape (g, m); NaN where a group has no finite value.
    """

    groups: tuple[str, ...]
    columns: tuple[str, ...]
    means: Float64[np.ndarray, "g m"]


def group_means(values: Float64[np.ndarray, " n"], groups: Sequence[str]) -> Float64[np.ndarray, " g"]:
    """The mean of each group's finite values, groups in alphabetical order; a group without one is left out.

    Args:
        values: one an image, shape (n,); infinite values and NaN are left out.
        groups: the group of each image, n of them.

    Raises:
        ValueError: where the lengths differ.
    """
    means = group_table({"": values}, groups).means[:, 0]
    return means[np.isfinite(means)]


def group_table(
    values: Mapping[str, Float64[np.ndarray, " n"]], groups: Sequence[str], *, frames: Sequence[int] | None = None
) -> GroupTable:
    """Image, then clip, then group means of several columns at once.

    Args:
        values: by column one value an image, shape (n,); infinite values and NaN are left out.
        groups: the group of each image, n of them.
        frames: on clips, the place of each image in its clip, 0 beginning a new one; None for single images.

    Raises:
        ValueError: where the lengths differ.
    """
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    for column in columns.values():
        if column.ndim != 1 or len(column) != len(groups):
            raise ValueError(f"values and groups must be two lists of one length, got {column.shape} and {len(groups)}")
    names, owners = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if frames is None:
        made = [_means(column, owners, len(names)) for column in columns.values()]
    else:
        clips = np.cumsum(np.asarray(frames) == 0)
        _, first, clips = np.unique(clips, return_index=True, return_inverse=True)
        made = [_means(_means(column, clips, len(first)), owners[first], len(names)) for column in columns.values()]
    table = np.stack(made, axis=1) if made else np.empty((len(names), 0))
    return GroupTable(tuple(names.tolist()), tuple(columns), table)


def resample(
    means: Float64[np.ndarray, "g m"], *, resamples: int = RESAMPLES, seed: int = 0
) -> Float64[np.ndarray, "resamples m"]:
    """The means of all columns in the same resamples of groups, the same for one seed and number of groups.

    A resample is a row of counts, so that one matrix product serves every column: 10,000 resamples of 5,000 groups and
    20 columns take about a second.

    Args:
        means: finite group means, groups in rows.
    """
    count = len(means)
    return np.concatenate([counts @ means for counts in _counts(count, resamples, seed)]) / count


def interval(
    means: Float64[np.ndarray, " g"],
    *,
    method: Method = "percentile",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[float, float] | tuple[None, None]:
    """The interval of the mean of finite group means.

    Args:
        means: one a group.
        method: `percentile`: quantiles of the resamples' means (Efron 1979), too narrow by sqrt((g - 1) / g) and the
            normal instead of Student's curve;
            `expanded`: the same quantiles moved outwards by that much (Hesterberg 2015);
            `bca`: corrected for bias and skew, not for narrowness (Efron 1987);
            `studentized`: the quantiles of (resample's mean - mean) / (resample's own standard error) (Efron and
            Tibshirani 1993, section 12.5), from 4 groups on;
            `t`: mean +- Student's t of g - 1 degrees times the standard error, no draws.

    Returns:
        Both ends, or None twice with too few groups: fewer than two, or than the method needs.

    Raises:
        ValueError: an unknown method.

    How often 95 % intervals cover the truth, in percent (20,000 simulated tables each, 2,000 resamples): normal group
    means; log-normal of sigma 0.3 (skew 0.95) and of sigma 0.5 (skew 1.75). The group means of CIEDE2000 had a median
    skew of 0.2, and 95 in 100 less than 1.8, in 464 evaluations of 8 groups or more.

        groups         percentile         expanded              bca      studentized                t
             4     79.4 78.7 76.8   87.6 86.4 84.4   79.5 78.6 77.2   94.6 94.2 93.1   95.0 94.2 91.7
             6     85.6 85.2 82.8   93.6 92.4 90.6   86.0 85.0 83.7   94.5 94.0 92.7   94.9 93.8 91.6
            10     90.2 89.5 87.4   94.5 93.7 92.1   90.0 88.9 88.3   94.9 94.4 93.7   94.8 94.0 92.2
            20     92.7 92.3 90.8   94.8 94.2 92.9   92.8 92.4 91.2   94.8 94.7 94.1   94.9 94.4 92.8
            40     93.9 93.5 92.9   95.2 94.4 93.8   93.7 93.5 92.9   94.7 94.7 94.3   95.1 94.7 93.9
           100     94.4 94.2 94.2   94.7 94.7 94.7   94.5 94.2 94.0   94.6 95.0 94.7   95.0 94.9 94.5
    """
    found = intervals(np.asarray(means, dtype=np.float64)[:, None], method=method, resamples=resamples, level=level,
                      seed=seed)[0]  # fmt: skip
    return (None, None) if np.isnan(found).any() else (float(found[0]), float(found[1]))


def intervals(
    means: Float64[np.ndarray, "g m"],
    *,
    method: Method = "percentile",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Float64[np.ndarray, "m 2"]:
    """`interval` of every column at once, on the same resamples; a column's NaN groups are left out.

    Returns:
        Both ends of each column; NaN where it has too few groups.

    Raises:
        ValueError: an unknown method.
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}")
    made = np.full((means.shape[1], 2), np.nan)
    known = np.isfinite(means)
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for place, pattern in enumerate(patterns.T):  # nearly always one: columns that know the same groups share draws
        if pattern.sum() >= (LEAST_STUDENTIZED if method == "studentized" else 2):
            columns = which.reshape(-1) == place
            made[columns] = _intervals(means[np.ix_(pattern, columns)], method, resamples, (1 - level) / 2, seed)
    return made


def summarize_all(
    values: Mapping[str, Float64[np.ndarray, " n"]],
    groups: Sequence[str],
    *,
    frames: Sequence[int] | None = None,
    method: Method = METHOD,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Summary]:
    """Image, then clip, then group, then domain mean: a long series or clip weighs as much as a short one.

    Args:
        values: by metric one value an image, shape (n,), any unit; infinite ones and NaN are counted apart.
        groups: the group (series, page source) of each image.
        frames: on clips, the place of each image in its clip, 0 beginning a new one; None for single images.
        method: of the intervals.
        resamples: that it draws, the same for every metric.
        seed: of the draws.

    Raises:
        ValueError: where the lengths differ, or an unknown method.
    """
    table = group_table(values, groups, frames=frames)
    ends = intervals(table.means, method=method, resamples=resamples, seed=seed)
    made = {}
    for name, means, (low, high) in zip(table.columns, table.means.T, ends.tolist(), strict=True):
        found = (None, None) if np.isnan(low) else (low, high)
        made[name] = _summary(np.asarray(values[name]), means[np.isfinite(means)], *found)
    return made


def _means(values: np.ndarray, index: np.ndarray, size: int) -> np.ndarray:
    """The mean of the finite values of each of `size` places; NaN where there is none."""
    finite = np.isfinite(values)
    counts = np.bincount(index[finite], minlength=size)
    sums = np.bincount(index[finite], weights=values[finite], minlength=size)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)


def _draws(count: int, resamples: int, seed: int) -> Iterator[Int[np.ndarray, "rows g"]]:
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // count)
    for start in range(0, resamples, rows):
        yield rng.integers(0, count, size=(min(rows, resamples - start), count))


def _counts(count: int, resamples: int, seed: int) -> Iterator[Float64[np.ndarray, "rows g"]]:
    """How often each group is drawn, for a block of resamples."""
    for drawn in _draws(count, resamples, seed):
        drawn += np.arange(len(drawn))[:, None] * count
        yield np.bincount(drawn.reshape(-1), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


def _intervals(means: np.ndarray, method: Method, resamples: int, tail: float, seed: int) -> np.ndarray:
    """Both ends of each column of a table without gaps."""
    from scipy.special import ndtr, ndtri, stdtrit

    count, center = len(means), means.mean(axis=0)
    error = means.std(axis=0, ddof=1) / np.sqrt(count)
    reach = -stdtrit(count - 1, tail)
    if method == "t":
        return np.stack([center - reach * error, center + reach * error], axis=1)
    if method == "studentized":
        ratios = _ratios(means - center, resamples, seed)
        low, high = np.nanquantile(ratios, [tail, 1 - tail], axis=0)
        return np.stack([center - high * error, center - low * error], axis=1)
    drawn = resample(means, resamples=resamples, seed=seed)
    if method == "percentile":
        return np.quantile(drawn, [tail, 1 - tail], axis=0).T
    if method == "expanded":
        tail = float(ndtr(-np.sqrt(count / (count - 1)) * reach))
        return np.quantile(drawn, [tail, 1 - tail], axis=0).T
    deviations = means - center  # as the jackknife's, but for a factor that cancels
    squares = (deviations**2).sum(axis=0)
    skew = np.divide((deviations**3).sum(axis=0), 6 * squares**1.5, out=np.zeros_like(squares), where=squares > 0)
    below = (drawn < center).mean(axis=0) + (drawn == center).mean(axis=0) / 2
    bias = ndtri(below.clip(1 / (resamples + 1), resamples / (resamples + 1)))
    wide = bias[:, None] + ndtri([tail, 1 - tail])
    ends = ndtr(bias[:, None] + wide / (1 - skew[:, None] * wide))
    return np.stack([np.quantile(column, end) for column, end in zip(drawn.T, ends, strict=True)])


def _ratios(centered: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Each resample's mean over its own standard error; NaN where it drew one group only, 0 where all groups agree."""
    count, made = len(centered), []
    whole = centered.var(axis=0)
    for counts in _counts(count, resamples, seed):
        drawn = counts @ centered / count
        variance = (counts @ centered**2 / count - drawn**2) / (count - 1)
        without = np.broadcast_to(np.where(whole > 0, np.nan, 0.0), drawn.shape).copy()
        made.append(np.divide(drawn, np.sqrt(variance.clip(0)), out=without, where=variance > 1e-12 * whole))
    return np.concatenate(made)


def _summary(values: np.ndarray, means: np.ndarray, low: float | None, high: float | None) -> Summary:
    return Summary(
        value=float(means.mean()) if len(means) else None,
        low=low,
        high=high,
        n=len(values),
        groups=len(means),
        infinite=int(np.isinf(values).sum()),
        missing=int(np.isnan(values).sum()),
    )
