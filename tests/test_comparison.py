"""Entries against each other: paired differences, ranks that hold what they promise, and what seeds add."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from bench.comparison import (
    Rank,
    apart_over_seeds,
    images_apart,
    over_seeds,
    over_seeds_together,
    rank_intervals,
    reach_over_seeds,
)
from bench.statistics import summarize_all


def groups(count: int, each: int = 1) -> list[str]:
    return [f"g{number:03}" for number in range(count) for _ in range(each)]


def entries(rng: np.random.Generator, means: list[float], count: int, own: float = 0.5) -> dict[str, np.ndarray]:
    """One value a group: the group's own difficulty, the entry's mean, and noise."""
    hard = rng.normal(size=count)
    return {f"e{place}": hard + mean + own * rng.normal(size=count) for place, mean in enumerate(means)}


def test_a_paired_difference_is_of_the_same_images() -> None:
    """Two entries whose intervals overlap, and that yet surely differ."""
    rng = np.random.default_rng(0)
    first = rng.normal(20, 5, 40)
    second = first + 0.5 + rng.normal(0, 0.2, 40)
    one, two = (summarize_all({"": values}, groups(20, 2))[""] for values in (first, second))
    assert one.high is not None
    assert two.low is not None
    assert one.high > two.low
    seeds = (0,), (0,)
    apart = images_apart(second[:, None], first[:, None], groups(20, 2), seeds)
    assert apart.low is not None
    assert apart.low > 0.3
    back = images_apart(first[:, None], second[:, None], groups(20, 2), seeds)
    np.testing.assert_allclose([back.value, back.low, back.high], [-apart.value, -apart.high, -apart.low])  # pyright: ignore
    assert apart.p == back.p
    expected = ttest_rel(second.reshape(20, 2).mean(axis=1), first.reshape(20, 2).mean(axis=1))
    assert apart.p == pytest.approx(expected.pvalue)


def test_an_image_that_one_has_no_number_for_is_left_out_for_both() -> None:
    first, second = np.array([[1.0], [np.inf], [3.0], [9.0]]), np.array([[0.5], [1.0], [1.0], [np.nan]])
    apart = images_apart(first, second, groups(4), ((0,), (0,)))
    assert (apart.value, apart.groups) == (1.25, 2)
    with pytest.raises(ValueError, match="no image has a finite value"):
        images_apart(first[1:2], second[1:2], groups(1), ((0,), (0,)))


def test_what_is_not_trained_is_the_same_under_every_seed() -> None:
    rng = np.random.default_rng(1)
    trained, gray = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    made = apart_over_seeds(trained, gray, ((0, 1, 2), ()))
    assert made == over_seeds(list((trained - gray).T), groups(12))
    back = apart_over_seeds(gray, trained, ((), (0, 1, 2)))
    assert (back.value, back.error) == pytest.approx((-made.value, made.error))
    assert apart_over_seeds(gray, gray, ((), ())).p == 1.0


def test_clear_ranks_are_points_and_ties_are_shared() -> None:
    rng = np.random.default_rng(0)
    values = entries(rng, [2, 0, 1], 30, own=0.1)
    values["twin"] = values["e1"].copy()
    found = rank_intervals(values, groups(30), direction="lower", resamples=500)
    assert {name: (one.rank, one.best, one.worst) for name, one in found.items()} == {
        "e1": (1, 1, 2),
        "twin": (1, 1, 2),
        "e2": (3, 3, 3),
        "e0": (4, 4, 4),
    }
    assert (found["e1"].first, found["twin"].first, found["e0"].first) == (1, 1, 0)
    upwards = rank_intervals(
        {name: -one for name, one in values.items()}, groups(30), direction="higher", resamples=500
    )
    assert {name: one.rank for name, one in upwards.items()} == {name: one.rank for name, one in found.items()}
    assert upwards["e0"].value == -found["e0"].value


def test_ranks_rest_on_shared_images_and_one_group_tells_nothing() -> None:
    values = {"a": np.array([1.0, 2.0, np.nan, 9.0]), "b": np.array([2.0, 3.0, 0.0, np.inf])}
    assert rank_intervals(values, groups(4), direction="lower")["a"].value == 1.5
    alone = rank_intervals({name: one[:1] for name, one in values.items()}, groups(1), direction="lower")
    assert alone == {"a": Rank(1.0, 1, 1, 2, 1.0), "b": Rank(2.0, 2, 1, 2, 0.0)}
    with pytest.raises(ValueError, match="no image has a finite value under every entry"):
        rank_intervals({"a": values["a"][2:], "b": values["b"][2:]}, groups(2), direction="lower")
    with pytest.raises(ValueError, match="same images"):
        rank_intervals({"a": np.zeros(2), "b": np.zeros(3)}, groups(2), direction="lower")


def test_pairing_narrows_ranks() -> None:
    """Neighbours whose own intervals overlap widely are told apart by their differences."""
    values = entries(np.random.default_rng(1), [0, 0.3, 0.6], 25, own=0.1)
    assert [one.best == one.worst for one in rank_intervals(values, groups(25), direction="lower").values()] == [
        True
    ] * 3


@pytest.mark.parametrize("count", [8, 20])
def test_rank_intervals_hold_the_true_rank(count: int) -> None:
    """Every rank that a tie leaves an entry lies within, 93 times in 100 or more; they are not just all ranks."""
    rng = np.random.default_rng(5)
    means = [0, 0, 0, 0.3, 2]
    hits, width, trials = np.zeros(5), 0.0, 200
    for trial in range(trials):
        found = rank_intervals(entries(rng, means, count), groups(count), direction="lower", resamples=300, seed=trial)
        for place, one in enumerate(found.values()):
            least = 1 + sum(mean < means[place] for mean in means)
            most = sum(mean <= means[place] for mean in means)
            hits[place] += one.best <= least and most <= one.worst
            width += (one.worst - one.best) / trials / 5
    assert (hits / trials >= 0.93).all(), hits
    assert width < 3


def trainings(rng: np.random.Generator, seeds: int, count: int, seed_deviation: float) -> list[np.ndarray]:
    hard = rng.normal(size=count)
    return [hard + seed_deviation * rng.normal() + 0.5 * rng.normal(size=count) for _ in range(seeds)]


@pytest.mark.parametrize(("seeds", "count", "deviation"), [(3, 20, 0.5), (4, 20, 1.0), (4, 10, 0.2), (5, 40, 0.0)])
def test_intervals_over_seeds_cover_other_seeds_and_groups(seeds: int, count: int, deviation: float) -> None:
    rng = np.random.default_rng(6)
    hits, alone, trials = 0, 0, 1500
    for _ in range(trials):
        made = trainings(rng, seeds, count, deviation)
        found = over_seeds(made, groups(count))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
        mean, error = np.mean(made), np.mean(made, axis=0).std(ddof=1) / np.sqrt(count)
        alone += abs(mean) <= 2.1 * error  # what groups alone would say
    assert 0.925 <= hits / trials <= 0.97
    if deviation >= 0.5:
        assert alone / trials < 0.85


@pytest.mark.parametrize("count", [4, 20])
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("deviation", "rest"), [(0, 0), (0, 0.5), (0.2, 0.3), (0.5, 0), (1, 0.5)])
def test_intervals_joined_from_those_of_the_seeds_cover(seeds: int, count: int, deviation: float, rest: float) -> None:
    """95 times in 100 or more, whatever seeds and groups add; a little wider than what group means would have given."""
    rng, trials = np.random.default_rng(12), 10_000
    tables = rng.normal(size=(trials, count, 1)) + deviation * rng.normal(size=(trials, 1, seeds))
    tables = tables + rest * rng.normal(size=(trials, count, seeds))
    means, spread = tables.mean(axis=1), tables.std(axis=1, ddof=1) / np.sqrt(count)
    reach = reach_over_seeds(means, {4: 3.182446, 20: 2.093024}[count] * spread)  # each record's own: Student's t
    assert 0.945 < (np.abs(means.mean(axis=1)) <= reach).mean() < 0.9995
    ends = [(one.low, one.high) for one in over_seeds_together(tables)]
    half = np.diff(np.array(ends, dtype=float), axis=1).mean() / 2
    assert 0.999 < reach.mean() / half < (2.5 if seeds == 2 else 1.5)


def test_what_seeds_add_is_estimated() -> None:
    rng = np.random.default_rng(7)
    found = over_seeds(trainings(rng, 40, 30, 0.7), groups(30))
    assert found.seed_deviation == pytest.approx(0.7, rel=0.2)
    assert (found.seeds, found.groups) == (40, 30)
    same = over_seeds([np.arange(5.0)] * 3, groups(5))
    assert same.seed_deviation == 0
    assert same.value == 2


def test_one_seed_or_one_group_has_no_interval() -> None:
    one = over_seeds([np.arange(5.0)], groups(5))
    assert (one.value, one.low, one.high, one.seed_deviation) == (2.0, None, None, None)
    lone = over_seeds([np.array([1.0]), np.array([3.0])], groups(1))
    assert (lone.value, lone.low, lone.seed_deviation) == (2.0, None, pytest.approx(2**0.5))
    equal = over_seeds([np.full(4, 2.5)] * 3, groups(4))
    assert (equal.low, equal.high) == (2.5, 2.5)


@pytest.mark.parametrize("unlike", [False, True])
def test_equal_entries_of_several_seeds_are_seldom_told_apart(unlike: bool) -> None:
    """Seeds that differ more than groups do: true ranks stay open, whichever seeds the two had."""
    rng, wrong, alone, trials = np.random.default_rng(8), 0, 0, 200
    seeds = {"e0": (0, 1, 2), "e1": (3, 4, 5) if unlike else (0, 1, 2)}
    for _ in range(trials):
        values = {name: 0.8 * rng.normal(size=3) + 0.3 * rng.normal(size=(12, 3)) for name in seeds}
        found = rank_intervals(values, groups(12), direction="lower", seeds=seeds, resamples=200)
        wrong += found["e0"].best == found["e0"].worst
        means = {name: one.mean(axis=1) for name, one in values.items()}
        blind = rank_intervals(means, groups(12), direction="lower", resamples=200)
        alone += blind["e0"].best == blind["e0"].worst
    assert wrong / trials < 0.1
    assert alone / trials > 0.6  # what groups alone would say


def test_an_entry_of_one_seed_is_taken_to_vary_as_the_other_does() -> None:
    rng, count = np.random.default_rng(9), 10
    first, second = rng.normal(10, 0.1, (count, 1)) + np.array([0.0, 1.0, 2.0]), rng.normal(13, 0.1, (count, 1))
    made = apart_over_seeds(first, second, ((0, 1, 2), (0,)))
    of_groups = (first.mean(axis=1) - second[:, 0]).var(ddof=1) / count
    assert made.error == pytest.approx((of_groups + 1.0 / 3 + 1.0) ** 0.5)
    assert made.freedom == pytest.approx(2, abs=0.01)
    back = apart_over_seeds(second, first, ((0,), (0, 1, 2)))
    assert (back.value, back.error, back.p) == pytest.approx((-made.value, made.error, made.p))
    found = rank_intervals({"a": first, "b": second}, groups(count), direction="lower", resamples=200)
    assert (found["a"].best, found["a"].worst) == (1, 2)  # 2.0 away, but another training moves it by 1
    # The same seeds: the plain interval of the differences.
    same = apart_over_seeds(first, first + rng.normal(0, 0.1, (count, 3)), ((0, 1, 2), (0, 1, 2)))
    assert same.seed_deviation is not None
    assert same.freedom is not None
    assert same.freedom > 2


def test_ranks_of_ten_equal_entries_stay_open() -> None:
    """Three seeds leave two degrees, and nine differences give chance nine goes: 20 in 100 were wrong without both."""
    rng, wrong, trials = np.random.default_rng(10), 0.0, 100
    for _ in range(trials):
        values = {f"e{k}": 0.8 * rng.normal(size=3) + 0.4 * rng.normal(size=(12, 3)) for k in range(10)}
        found = rank_intervals(values, groups(12), direction="lower", resamples=200)
        wrong += sum((one.best, one.worst) != (1, 10) for one in found.values()) / 10
    assert wrong / trials < 0.14
