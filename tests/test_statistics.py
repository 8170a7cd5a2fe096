"""Statistics: image, group, domain; intervals that cover what they claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import FEW_GROUPS, bootstrap, group_means, summarize


def floats(numbers: object) -> np.ndarray:
    """What must not hold a None, as an array."""
    made = np.asarray(numbers, dtype=np.float64)
    assert np.isfinite(made).all()
    return made


def test_a_long_series_weighs_as_much_as_a_short_one() -> None:
    values = np.array([1.0] * 98 + [3.0, 5.0])
    groups = ["long"] * 98 + ["short"] * 2
    made = summarize(values, groups)
    assert made.value == (1.0 + 4.0) / 2
    assert (made.n, made.groups, made.infinite) == (100, 2, 0)


def test_the_order_of_images_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=60), [f"g{place % 7}" for place in range(60)]
    order = rng.permutation(60)
    shuffled = summarize(values[order], [groups[place] for place in order])
    plain = summarize(values, groups)
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(floats(getattr(shuffled, name)), floats(getattr(plain, name)), rtol=1e-12)


def test_infinite_values_are_counted_apart() -> None:
    made = summarize(np.array([np.inf, 30.0, 20.0, np.inf, np.inf]), ["a", "a", "b", "c", "c"])
    assert made.value == 25.0
    assert (made.infinite, made.groups, made.n) == (3, 2, 5)


def test_no_finite_value_is_no_mean() -> None:
    made = summarize(np.array([np.inf, np.inf]), ["a", "b"])
    assert (made.value, made.low, made.high, made.infinite) == (None, None, None, 2)


def test_one_group_has_a_mean_but_no_interval() -> None:
    made = summarize(np.array([1.0, 2.0]), ["a", "a"])
    assert (made.value, made.low, made.high) == (1.5, None, None)


def test_nan_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="value 1 of 2 is NaN"):
        summarize(np.array([1.0, np.nan]), ["a", "a"])
    with pytest.raises(ValueError, match="one length"):
        summarize(np.array([1.0, 2.0]), ["a"])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from("abcd")), min_size=1, max_size=40))
def test_the_macro_average_is_the_mean_of_the_group_means(pairs: list[tuple[float, str]]) -> None:
    values, groups = np.array([value for value, _ in pairs]), [group for _, group in pairs]
    by_hand = [np.mean([v for v, g in pairs if g == name]) for name in sorted(set(groups))]
    np.testing.assert_allclose(group_means(values, groups), by_hand, rtol=1e-9, atol=1e-6)
    made = summarize(values, groups)
    np.testing.assert_allclose(floats(made.value), np.mean(by_hand), rtol=1e-9, atol=1e-6)
    if made.low is not None and made.high is not None:
        assert min(by_hand) - 1e-6 <= made.low <= made.high <= max(by_hand) + 1e-6


def test_bootstrap_is_seeded() -> None:
    means = np.random.default_rng(0).normal(size=12)
    assert bootstrap(means, seed=3) == bootstrap(means, seed=3)
    assert bootstrap(means, seed=3) != bootstrap(means, seed=4)


def test_blocks_of_draws_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    means = np.random.default_rng(0).normal(size=50)
    whole = bootstrap(means, resamples=500)
    monkeypatch.setattr("bench.statistics._BLOCK", 50 * 64)
    assert bootstrap(means, resamples=500) == whole


def test_interval_follows_shift_and_scale() -> None:
    """Same groups, same draws: what is paired stays paired."""
    means = np.random.default_rng(0).normal(size=15)
    np.testing.assert_allclose(floats(bootstrap(3 * means + 10)), 3 * floats(bootstrap(means)) + 10, rtol=1e-12)


@pytest.mark.parametrize(("groups", "least", "most"), [(40, 0.90, 0.98), (4, 0.70, 0.89)])
def test_coverage(groups: int, least: float, most: float) -> None:
    """With many groups the 95 % interval covers the truth about that often; with few it covers less, as boards say."""
    rng = np.random.default_rng(7)
    trials = 400
    hits = 0
    for trial in range(trials):
        low, high = bootstrap(rng.normal(size=groups), resamples=400, seed=trial)
        assert low is not None
        assert high is not None
        hits += low <= 0.0 <= high
    assert least <= hits / trials <= most
    assert (groups < FEW_GROUPS) == (most < 0.95)
