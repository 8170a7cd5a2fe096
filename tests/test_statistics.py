"""Statistics: image, group, domain; intervals that cover what they claim."""

from dataclasses import astuple
from typing import get_args

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import (
    FEW_GROUPS,
    METHOD,
    Method,
    Summary,
    group_means,
    group_table,
    interval,
    intervals,
    resample,
    summarize_all,
)

METHODS: tuple[Method, ...] = get_args(Method)

STILLS = (10.07897063265853, 8.698607084369407, 11.077386316523915)
CLIPS = (10.03888764019503, 8.127102807354115, 11.974021182758463)


def summarize(values, groups, **more) -> Summary:
    """One metric by itself, with percentile intervals."""
    return summarize_all({"": np.asarray(values, float)}, groups, method="percentile", **more)[""]


def bootstrap(means, **more):
    return interval(np.asarray(means, float), method="percentile", **more)


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


def test_values_that_do_not_apply_are_left_out_and_counted() -> None:
    """As a clip's first frame, which no flow leads to."""
    made = summarize(np.array([np.nan, 1.0, 3.0, np.nan, np.inf, 6.0]), ["a", "a", "a", "b", "c", "c"])
    assert (made.value, made.missing, made.infinite, made.groups, made.n) == (4.0, 2, 1, 2, 6)
    on_clips = summarize(np.array([np.nan, 1.0, np.nan, np.nan, 5.0, 7.0]), ["a"] * 6, frames=[0, 1, 0, 0, 1, 2])
    assert (on_clips.value, on_clips.missing) == (3.5, 3)
    assert summarize(np.array([1.0, 2.0]), ["a", "b"]).missing == 0


def test_nothing_but_values_that_do_not_apply_is_no_mean() -> None:
    made = summarize(np.full(3, np.nan), ["a", "b", "b"])
    assert astuple(made) == (None, None, None, 3, 0, 0, 3)
    assert summarize_all({"x": np.full(3, np.nan)}, ["a", "b", "b"])["x"] == made


def test_unequal_lengths_are_refused() -> None:
    for refused in (summarize, group_means):
        with pytest.raises(ValueError, match="one length"):
            refused(np.array([1.0, 2.0]), ["a"])


def test_the_percentile_bootstrap_does_not_change() -> None:
    """What the percentile bootstrap has always drawn, on stills and on clips."""
    rng = np.random.default_rng(2026)
    values, groups = rng.gamma(2.0, 5.0, 90), [f"series-{number}" for number in rng.integers(0, 7, 90)]
    values[[3, 50]] = np.inf
    made = summarize(values, groups)
    assert (made.value, made.low, made.high) == pytest.approx(STILLS, rel=1e-12)
    frames = [place % 5 for place in range(90)]
    owners = [f"series-{place // 15}" for place in range(90)]
    made = summarize(values, owners, frames=frames)
    assert (made.value, made.low, made.high) == pytest.approx(CLIPS, rel=1e-12)


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


def tables() -> np.ndarray:
    """Group means of five metrics, 17 groups, of different scales."""
    return np.random.default_rng(4).lognormal(sigma=0.5, size=(17, 5)) * 10.0 ** np.arange(-2, 3)


def test_one_resample_serves_every_column() -> None:
    means = tables()
    ends = intervals(means)
    for column, (low, high) in zip(means.T, ends, strict=True):
        np.testing.assert_allclose((low, high), floats(bootstrap(column)), rtol=1e-12)
    drawn = resample(means, resamples=300, seed=5)
    assert drawn.shape == (300, 5)
    np.testing.assert_allclose(drawn[:, :1], resample(means[:, :1], resamples=300, seed=5), rtol=1e-12)


def test_blocks_do_not_change_a_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resample(tables(), resamples=500)
    monkeypatch.setattr("bench.statistics._BLOCK", 17 * 64)
    np.testing.assert_array_equal(resample(tables(), resamples=500), whole)


@pytest.mark.parametrize("method", METHODS)
def test_a_column_alone_has_the_interval_it_has_in_company(method: Method) -> None:
    means = tables()
    means[3, 2] = np.nan  # this column knows one group less
    ends = intervals(means, method=method, resamples=500)
    for place, column in enumerate(means.T):
        alone = interval(column[np.isfinite(column)], method=method, resamples=500)
        np.testing.assert_allclose(ends[place], floats(alone), rtol=1e-9)
        assert ends[place, 0] < np.nanmean(column) < ends[place, 1]


@pytest.mark.parametrize("method", METHODS)
def test_every_interval_follows_shift_and_scale(method: Method) -> None:
    means = tables()[:, 1]
    moved = floats(interval(3 * means + 10, method=method))
    np.testing.assert_allclose(moved, 3 * floats(interval(means, method=method)) + 10, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_groups_that_agree_leave_no_doubt_and_one_group_no_interval(method: Method) -> None:
    assert floats(interval(np.full(12, 3.25), method=method)).tolist() == [3.25, 3.25]
    assert interval(np.array([3.25]), method=method) == (None, None)
    assert interval(np.array([]), method=method) == (None, None)


def test_studentized_needs_four_groups() -> None:
    assert interval(np.array([1.0, 2.0, 4.0]), method="studentized") == (None, None)
    low, high = floats(interval(np.array([1.0, 2.0, 4.0, 3.0]), method="studentized"))
    assert low < 1.5 < 3.5 < high
    made = summarize_all({"x": np.array([1.0, 2.0, 4.0])}, ["a", "b", "c"], method="studentized")["x"]
    assert (made.low, made.high, made.groups) == (None, None, 3)


def test_t_and_bca_are_those_of_scipy() -> None:
    means = tables()[:, 1]
    theirs = scipy.stats.ttest_1samp(means, 0).confidence_interval(0.95)
    np.testing.assert_allclose(floats(interval(means, method="t")), theirs, rtol=1e-12)
    bca = scipy.stats.bootstrap((means,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    ours = floats(interval(means, method="bca", resamples=20_000))
    np.testing.assert_allclose(ours, bca.confidence_interval, atol=0.02 * np.ptp(ours))


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of percentile, expanded, bca, studentized, t; got 'normal'"):
        intervals(tables(), method="normal")  # pyright: ignore[reportArgumentType]


def test_all_metrics_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(0)
    values = {"l1": rng.random(80), "psnr": rng.random(80) * 30, "warp": rng.random(80)}
    values["psnr"][::9], values["warp"][::5] = np.inf, np.nan
    groups, frames = [f"g{place // 20}" for place in range(80)], [place % 5 for place in range(80)]
    for places in (None, frames):
        made = summarize_all(values, groups, frames=places, method="percentile")
        for name, column in values.items():
            alone = summarize(column, groups, frames=places)
            assert astuple(made[name])[3:] == astuple(alone)[3:]
            np.testing.assert_allclose(floats(astuple(made[name])[:3]), floats(astuple(alone)[:3]), rtol=1e-12)


def test_group_tables_keep_groups_without_a_value() -> None:
    values = {"a": np.array([1.0, 3.0, np.nan]), "b": np.array([np.inf, 2.0, 5.0])}
    table = group_table(values, ["y", "y", "x"])
    assert (table.groups, table.columns) == (("x", "y"), ("a", "b"))
    np.testing.assert_array_equal(table.means, [[np.nan, 5.0], [2.0, 2.0]])


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("groups", [20, 40])
@pytest.mark.parametrize("method", ["expanded", "studentized", "t"])
def test_coverage_of_better_intervals(groups: int, method: Method, skewed: bool) -> None:
    """95 % intervals cover the truth 93 to 97 times in 100 from 20 groups on, of normal and of skewed group means."""
    assert 0.93 <= coverage(groups, method, skewed) <= 0.97


def test_coverage_with_few_groups() -> None:
    """What records carry holds from 4 groups on; the percentile bootstrap does not."""
    for groups in (4, 6, 10):
        assert coverage(groups, METHOD, False) >= 0.93
        assert coverage(groups, "percentile", False) < 0.92


def coverage(groups: int, method: Method, skewed: bool) -> float:
    """Simulated tables are columns: 40 batches of 200, each with its own draws."""
    rng = np.random.default_rng(9)
    hits = 0
    for batch in range(40):
        means = rng.normal(size=(groups, 200))
        truth = 0.0
        if skewed:
            means, truth = np.exp(0.3 * means), np.exp(0.3**2 / 2)
        low, high = intervals(means, method=method, resamples=999, seed=batch).T
        hits += int(((low <= truth) & (truth <= high)).sum())
    return hits / 8000
