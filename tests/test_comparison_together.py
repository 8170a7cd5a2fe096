"""Many entries at once: the ranks and the seeds' intervals are those of the plain loop over entries."""

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

from bench.comparison import over_seeds, over_seeds_together, rank_intervals
from bench.statistics import resample


def spans_by_loop(means: np.ndarray, resamples: int, level: float = 0.95) -> list[tuple[int, int]]:
    """The definition, an entry at a time: (best, worst) of each; smaller values are better."""
    count, size = means.shape
    center, drawn = means.mean(axis=0), resample(means, resamples=resamples)
    few = np.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 + level) / 2) / ndtri((1 + level) / 2)
    spans = []
    for place in range(size):
        others = [other for other in range(size) if other != place]
        apart = center[others] - center[place]
        error = (means[:, others] - means[:, [place]]).std(axis=0, ddof=1) / np.sqrt(count)
        moved = np.abs(drawn[:, others] - drawn[:, [place]] - apart)
        varies = error > 0
        chance = np.quantile((moved[:, varies] / error[varies]).max(axis=1), level) * few if varies.any() else 0.0
        sure = np.abs(apart) > error * chance
        spans.append((1 + int((sure & (apart < 0)).sum()), size - int((sure & (apart > 0)).sum())))
    return spans


@pytest.mark.parametrize(("size", "count", "spread"), [(2, 2, 1.0), (3, 5, 0.1), (40, 12, 0.3), (150, 9, 0.05)])
def test_ranks_are_those_of_the_loop(size: int, count: int, spread: float) -> None:
    rng = np.random.default_rng(size)
    means = rng.normal(15, 4, (count, 1)) + spread * np.arange(size) + rng.normal(size=(count, size))
    means[:, size // 2] = means[:, 0]  # a tie
    names = [f"g{number:02d}" for number in range(count)]
    entries = {f"e{number}": means[:, number] for number in range(size)}
    found = rank_intervals(entries, names, direction="lower", resamples=500)
    assert [(one.best, one.worst) for one in found.values()] == spans_by_loop(means, 500)
    mirrored = rank_intervals({name: -one for name, one in entries.items()}, names, direction="higher", resamples=500)
    assert [(one.best, one.worst) for one in mirrored.values()] == [(one.best, one.worst) for one in found.values()]


def test_entries_that_differ_by_a_constant_are_ranked_surely() -> None:
    hard = np.linspace(0, 30, 8)
    names = [f"g{number}" for number in range(8)]
    found = rank_intervals({"a": hard, "b": hard + 1, "c": hard}, names, direction="lower", resamples=200)
    assert {name: (one.best, one.worst) for name, one in found.items()} == {"a": (1, 2), "b": (3, 3), "c": (1, 2)}


@pytest.mark.parametrize(("count", "seeds"), [(8, 3), (12, 2), (1, 3), (5, 1)])
def test_seeds_of_many_entries_are_those_of_each(count: int, seeds: int) -> None:
    rng = np.random.default_rng(count)
    tables = rng.normal(10, 1, (6, count, 1)) + rng.normal(0, 1, (6, 1, seeds)) * np.array([0, 0.01, 0.1, 1, 5, 0])[
        :, None, None
    ] + rng.normal(0, 0.3, (6, count, seeds))  # fmt: skip
    tables[5] = 7.0  # nothing varies
    names = [f"g{number:02d}" for number in range(count)]
    for table, one in zip(tables, over_seeds_together(tables), strict=True):
        assert one == over_seeds(list(table.T), names)
        if seeds > 1 and count > 1:
            assert (one.low, one.high) == pytest.approx(ends_by_hand(table), rel=1e-12)
        else:
            assert one.low is None


def ends_by_hand(table: np.ndarray) -> tuple[float, float]:
    """Mean squares of the two-way table; those below the rest count as nothing; Satterthwaite's degrees."""
    count, seeds = table.shape
    mean, of_group, of_seed = table.mean(), table.mean(axis=1), table.mean(axis=0)
    free = (count - 1) * (seeds - 1)
    rest = ((table - of_group[:, None] - of_seed[None] + mean) ** 2).sum() / free
    kept = [(count * of_seed.var(ddof=1), seeds - 1), (seeds * of_group.var(ddof=1), count - 1)]
    kept = [(square, degrees) for square, degrees in kept if square > rest]
    weight = 1 - len(kept)
    scale = sum(square for square, _ in kept) + weight * rest
    if scale <= 0:
        return mean, mean
    degrees = scale**2 / (sum(square**2 / degrees for square, degrees in kept) + (weight * rest) ** 2 / free)
    reach = stdtrit(degrees, 0.975) * np.sqrt(scale / (count * seeds))
    return mean - reach, mean + reach
